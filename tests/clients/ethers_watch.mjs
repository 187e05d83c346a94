// Watch pending transactions with ethers over a WebSocket while transactions are sent; print the hashes as they came.
// usage: node ethers_watch.mjs WS_URL RAW...
import { WebSocketProvider } from "ethers";

const [url, ...raws] = process.argv.slice(2);
const provider = new WebSocketProvider(url);
const told = [];
const all = new Promise((resolve) => {
  provider.on("pending", (hash) => {
    told.push(hash);
    if (told.length === raws.length) resolve();
  });
});
await provider.getNetwork();
for (const raw of raws) await provider.send("eth_sendRawTransaction", [raw]);
await all;
console.log(JSON.stringify(told));
await provider.destroy();
