/* fetch.js CA URL...: fetches all of them at once; prints what they answer. */
'use strict';
const fs = require('fs');
const ca = fs.readFileSync(process.argv[2]);

for (const url of process.argv.slice(3)) {
	const protocol = require(url.startsWith('https:') ? 'https' : 'http');
	protocol.get(url, { ca }, (response) => {
		response.pipe(process.stdout);
	}).on('error', (error) => {
		console.error(String(error));
		process.exitCode = 1;
	});
}
