// many.c with node: the same arguments, the same line of numbers.
'use strict';
const net = require('net');

const TICK_NS = 1000000n;
const [side, count, host, port, proxy] = process.argv.slice(2);
const became = { right: 0, wrong: 0, missing: 0 };
let lastTick, stall = 0n, start;

function tick() {
	const now = process.hrtime.bigint();
	if (now - lastTick - TICK_NS > stall)
		stall = now - lastTick - TICK_NS;
	lastTick = now;
}

function finish(socket, what) {
	if (socket.isDone)
		return;
	socket.isDone = true;
	socket.destroy();
	became[what]++;
	if (became.right + became.wrong + became.missing < Number(count))
		return;
	const total = process.hrtime.bigint() - start;
	console.log(String(total), String(stall), became.right, became.wrong, became.missing);
	process.exit(0);
}

function request(toPort) {
	return Buffer.from([5, 1, 0, 1, ...host.split('.').map(Number), toPort >> 8, toPort & 255]);
}

// What is said next, and after how many bytes: the handshake, then the line
function dialogue(toPort) {
	const line = Buffer.from('x\n');
	return side === 'socks'
		? [[0, Buffer.from([5, 1, 0])], [2, request(toPort)], [10, line]] : [[0, line]];
}

function begin(toPort) {
	const socket = side === 'socks' ? net.connect(Number(proxy), '127.0.0.1')
		: net.connect(toPort, host);
	const steps = dialogue(toPort);
	let got = Buffer.alloc(0);
	function proceed() {
		while (steps.length && got.length >= steps[0][0]) {
			const [n, next] = steps.shift();
			if (n && got[1] !== 0)
				return finish(socket, 'missing');
			got = got.subarray(n);
			socket.write(next);
		}
		if (!steps.length && got.includes(10))
			finish(socket, got.equals(Buffer.from(`${host} ${toPort}\n`)) ? 'right' : 'wrong');
	}
	socket.on('connect', proceed);
	socket.on('data', (data) => {
		got = Buffer.concat([got, data]);
		proceed();
	});
	socket.on('error', () => finish(socket, 'missing'));
	socket.on('close', () => finish(socket, 'missing'));
}

function beginFrom(i) {
	if (i === Number(count))
		return;
	begin(Number(port) + i);
	setImmediate(beginFrom, i + 1);
}

lastTick = start = process.hrtime.bigint();
setInterval(tick, 1);
beginFrom(0);
