// Send what the pool refuses, and print the codes by which ethers names the refusals to its users.
// usage: node ethers_refused.mjs URL FUNDED_KEY POOR_KEY RECIPIENT
import { JsonRpcProvider, Wallet, parseEther } from "ethers";

const [url, rich, poor, to] = process.argv.slice(2);
// Blocks come faster here than the quarter of a second for which ethers repeats an answer.
const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
const fees = { maxFeePerGas: 5_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n, gasLimit: 21_000n };

async function refusal(wallet, fields) {
  try {
    await wallet.sendTransaction({ to, value: 1n, ...fees, ...fields });
    return "accepted";
  } catch (error) {
    return error.code;
  }
}

const wallet = new Wallet(rich, provider);
const nonce = await provider.getTransactionCount(wallet.address, "pending");
const first = await refusal(wallet, { nonce });
const underpriced = await refusal(wallet, { nonce, value: 2n });
await provider.send("dev_mine", [1]);
console.log(
  JSON.stringify({
    first,
    underpriced,
    spent: await refusal(wallet, { nonce, value: 3n }),
    broke: await refusal(new Wallet(poor, provider), { nonce: 0, value: parseEther("1") }),
  }),
);
provider.destroy();
