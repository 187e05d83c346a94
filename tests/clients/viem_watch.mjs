// Watch pending transactions with viem over a WebSocket while transactions are sent; print the hashes as they came.
// usage: node viem_watch.mjs WS_URL RAW...
import { createPublicClient, webSocket } from "viem";

const [url, ...raws] = process.argv.slice(2);
const client = createPublicClient({ transport: webSocket(url) });
const told = [];
const all = new Promise((resolve, reject) => {
  client.watchPendingTransactions({
    onTransactions: (hashes) => {
      told.push(...hashes);
      if (told.length === raws.length) resolve();
    },
    onError: reject,
  });
});
await client.getChainId();
for (const serializedTransaction of raws) await client.sendRawTransaction({ serializedTransaction });
await all;
console.log(JSON.stringify(told));
process.exit(0);
