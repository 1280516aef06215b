// resolve.js HOST: what c-ares says of HOST, and its page from the address it gave
const dns = require("dns").promises;
const http = require("http");

const host = process.argv[2];

async function say(what, lookup) {
	try {
		const found = await lookup;
		console.log(what, JSON.stringify(found));
		return found;
	} catch (e) {
		console.log(what, e.code);
	}
}

async function main() {
	const [address] = await say("A", dns.resolve4(host));
	await say("AAAA", dns.resolve6(host));
	await say("MX", dns.resolveMx(host));
	await say("PTR", dns.reverse(address));
	await say("NONE", dns.resolve4("192.0.2.1.5"));
	http.get({host: address, path: "/hello", headers: {Host: host}}, (answer) => {
		answer.on("data", (data) => console.log(data.toString()));
	});
}

main();
