// fauxqs without its log, and on this machine only: its own start listens to the network.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false, defaultRegion: "eu-north-1" });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
