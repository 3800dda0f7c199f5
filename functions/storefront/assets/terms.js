// What people agree to.
import { api } from "./api.js";
import { language } from "./texts.js";

/** A document that is in force. Where a version of it is not any more, what caches know of that is passed by. */
export const inForce = (document, outdated) => api("GET", `/v1/terms/${document}?` + new URLSearchParams({ lang: language, ...(outdated && { after: outdated }) }));
