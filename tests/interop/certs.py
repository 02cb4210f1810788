# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command."""
import subprocess

RSA = ("-newkey", "rsa:2048", "-nodes")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
CA_CONFIG = """[ca]
default_ca = d
[d]
database = {folder}/{name}.index
new_certs_dir = {folder}
certificate = {folder}/{name}.crt
private_key = {folder}/{name}.key
default_md = sha256
rand_serial = yes
unique_subject = no
policy = p
[p]
commonName = supplied
[server]
keyUsage = digitalSignature
extendedKeyUsage = serverAuth
[client]
keyUsage = digitalSignature
extendedKeyUsage = clientAuth
[authority]
basicConstraints = critical, CA:true
keyUsage = keyCertSign
"""


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def self_signed(folder, name):
    """(certificate file, key file) of a new RSA key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
            "-keyout", key, "-out", cert)
    return cert, key


class Authority:
    """An authority with EC keys, maybe below another one; its own certificate is in .cert."""

    def __init__(self, folder, name="authority", above=None):
        self.folder, self.name = folder, name
        self.cert, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        if above:
            above.issue(name, "authority")
        else:
            openssl("req", "-x509", *EC, "-days", "30", "-subj", f"/CN={name}", "-keyout", self.key,
                    "-out", self.cert)
        (folder / f"{name}.index").touch()
        self.config = folder / f"{name}.cnf"
        self.config.write_text(CA_CONFIG.format(folder=folder, name=name))

    def issue(self, name, kind="client", expired=False, algorithm=EC):
        """(certificate file, key file) with that common name; kind: "client", "server" or "authority"."""
        stem = self.folder / f"{name}{'-expired' if expired else ''}"
        cert, key, request = (stem.with_name(stem.name + s) for s in (".crt", ".key", ".csr"))
        openssl("req", *algorithm, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        times = ("-startdate", "200101000000Z", "-enddate", "200201000000Z") if expired else \
            ("-days", "30")
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, "-out", cert,
                "-extensions", kind, *times)
        return cert, key
