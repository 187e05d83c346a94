// Send a transfer with viem as its documentation does, wait for the receipt, and print what came of it.
// usage: node viem_send.mjs URL PRIVATE_KEY RECIPIENT
import { createPublicClient, createWalletClient, defineChain, http, parseEther } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [url, key, to] = process.argv.slice(2);
const account = privateKeyToAccount(key);
const probe = createPublicClient({ transport: http(url) });
const chain = defineChain({
  id: await probe.getChainId(),
  name: "dev",
  nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const reader = createPublicClient({ chain, transport: http(url), pollingInterval: 100 });
const wallet = createWalletClient({ account, chain, transport: http(url) });
const before = await reader.getBalance({ address: to });
const hash = await wallet.sendTransaction({ to, value: parseEther("1") });
const receipt = await reader.waitForTransactionReceipt({ hash });
const mined = await reader.getTransaction({ hash });
const block = await reader.getBlock({ blockNumber: receipt.blockNumber, includeTransactions: true });
console.log(
  JSON.stringify({
    hash,
    status: receipt.status === "success" ? 1 : 0,
    gasUsed: Number(receipt.gasUsed),
    minedIn: mined.blockNumber === receipt.blockNumber,
    inBlock: block.transactions.some((tx) => tx.hash === hash),
    received: String((await reader.getBalance({ address: to })) - before),
    nonce: await reader.getTransactionCount({ address: account.address, blockTag: "pending" }),
  }),
);
