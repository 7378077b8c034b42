/**
 * One WebTorrent peer on loopback over TCP, without tracker and DHT, told what to do by lines of JSON as libtorrent_peer.py is:
 *
 *   {"seed": FILE, "torrent": TORRENT_FILE}          → {"port": N}
 *   {"get": TORRENT_FILE, "folder": F, "port": N}    → {"seconds": S}
 */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { createInterface } from 'node:readline';

// WebRTC comes with a native part that is downloaded while it is installed, which the bench does not do; over TCP no one needs it.
const noWebRtc = `data:text/javascript,${encodeURIComponent(
  'export const RTCPeerConnection = undefined, RTCIceCandidate = undefined, RTCSessionDescription = undefined; export default {};',
)}`;
registerHooks({
  resolve: (name, context, next) =>
    name.startsWith('webrtc-polyfill') ? { url: noWebRtc, shortCircuit: true } : next(name, context),
});
const { default: WebTorrent } = await import('webtorrent');

const client = new WebTorrent({
  dht: false,
  tracker: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  webSeeds: false,
});
const options = { announce: [], store: undefined };
const answer = (line) => console.log(JSON.stringify(line));

function seed(file, torrentFile) {
  client.seed(file, options, (torrent) => {
    writeFileSync(torrentFile, torrent.torrentFile);
    const told = () => answer({ port: client.torrentPort });
    if (client.listening) told();
    else client.once('listening', told);
  });
}

function get(torrentFile, folder, port) {
  const start = performance.now();
  const torrent = client.add(torrentFile, { ...options, path: folder });
  torrent.once('infoHash', () => torrent.addPeer(`127.0.0.1:${port}`));
  torrent.once('done', () => {
    answer({ seconds: (performance.now() - start) / 1000 });
  });
}

createInterface(process.stdin).on('line', (line) => {
  const order = JSON.parse(line);
  if (order.seed !== undefined) seed(order.seed, order.torrent);
  else get(order.get, order.folder, order.port);
});
