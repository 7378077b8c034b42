"""One libtorrent peer on loopback, told what to do by lines of JSON on standard input; answers with lines of JSON.

{"seed": FILE, "torrent": TORRENT_FILE}          -> {"port": N}
{"get": TORRENT_FILE, "folder": F, "port": N}    -> {"seconds": S}
"""
import json
import os
import sys
import time

import libtorrent

session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": 0,
})
session.set_ip_filter(libtorrent.ip_filter())


def answer(line):
    print(json.dumps(line), flush=True)


def seed(path, torrent_file):
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, path)
    torrent = libtorrent.create_torrent(storage)
    libtorrent.set_piece_hashes(torrent, os.path.dirname(path))
    with open(torrent_file, "wb") as out:
        out.write(libtorrent.bencode(torrent.generate()))
    info = libtorrent.torrent_info(torrent_file)
    handle = session.add_torrent({"ti": info, "save_path": os.path.dirname(path)})
    while handle.status().state != libtorrent.torrent_status.seeding:
        time.sleep(0.01)
    answer({"port": session.listen_port()})


def get(torrent_file, folder, port):
    start = time.monotonic()
    handle = session.add_torrent({"ti": libtorrent.torrent_info(torrent_file), "save_path": folder})
    handle.connect_peer(("127.0.0.1", port))
    while not handle.status().is_seeding:
        time.sleep(0.005)
    answer({"seconds": time.monotonic() - start})
    session.remove_torrent(handle, libtorrent.options_t.delete_files)


for line in sys.stdin:
    order = json.loads(line)
    if "seed" in order:
        seed(order["seed"], order["torrent"])
    else:
        get(order["get"], order["folder"], order["port"])
