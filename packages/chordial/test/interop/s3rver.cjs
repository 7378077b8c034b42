// `node s3rver.cjs FOLDER PORT`: its own command loads a module that it does not bring along.
const S3rver = require('@20minutes/s3rver');

const [, , directory, port] = process.argv;
new S3rver({ address: '127.0.0.1', port: Number(port), silent: true, directory }).run();
