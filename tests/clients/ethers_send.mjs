// Send a transfer with ethers as its documentation does, wait for the receipt, and print what came of it.
// usage: node ethers_send.mjs URL PRIVATE_KEY RECIPIENT
import { JsonRpcProvider, Wallet, parseEther } from "ethers";

const [url, key, to] = process.argv.slice(2);
// Blocks come faster here than the quarter of a second for which ethers repeats an answer.
const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
const wallet = new Wallet(key, provider);
const before = await provider.getBalance(to);
const sent = await wallet.sendTransaction({ to, value: parseEther("1") });
const receipt = await sent.wait();
const mined = await provider.getTransaction(sent.hash);
const block = await provider.getBlock(receipt.blockNumber, true);
console.log(
  JSON.stringify({
    hash: sent.hash,
    status: receipt.status,
    gasUsed: Number(receipt.gasUsed),
    minedIn: mined.blockNumber === receipt.blockNumber,
    inBlock: block.transactions.includes(sent.hash),
    received: String((await provider.getBalance(to)) - before),
    nonce: await provider.getTransactionCount(wallet.address, "pending"),
  }),
);
provider.destroy();
