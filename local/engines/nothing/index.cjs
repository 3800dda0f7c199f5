// fauxqs loads this name and uses it only in a helper that we do not call.
exports.NodeHttpHandler = class {};
