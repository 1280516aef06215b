// datagram.js connected|unconnected HOST PORT TEXT...: says each text in a datagram to an echo
// and prints what comes, and from where.
const dgram = require("dgram");
const [way, host, port, ...texts] = process.argv.slice(2);
const sock = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
const say = () => way === "connected" ? sock.send(texts[0]) : sock.send(texts[0], port, host);

sock.on("message", (data, from) => {
  console.log(`${data} from ${from.port}`);
  texts.shift();
  texts.length ? say() : sock.close();
});
sock.on("error", (e) => { console.log(e.code); sock.close(); });
way === "connected" ? sock.connect(port, host, say) : say();
