// Send transfers with web3.js over HTTP and wait for the receipts, while a WebSocket tells what becomes pending.
// usage: node web3_send.mjs HTTP_URL WS_URL PRIVATE_KEY RECIPIENT
import { Web3 } from "web3";

const [url, wsUrl, key, to] = process.argv.slice(2);
const web3 = new Web3(url);
const watch = new Web3(wsUrl);
const [sender] = web3.eth.accounts.wallet.add(key);
const told = [];
const pending = await watch.eth.subscribe("pendingTransactions");
pending.on("data", (hash) => told.push(hash));
const sent = [];
for (let count = 0; count < 3; count += 1) {
  const receipt = await web3.eth.sendTransaction({ from: sender.address, to, value: web3.utils.toWei("1", "ether") });
  sent.push({ hash: receipt.transactionHash, status: Number(receipt.status) });
}
await watch.eth.getChainId(); // what was told before it has arrived
console.log(JSON.stringify({ sent, told }));
process.exit(0);
