# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made by the openssl command."""
import subprocess


def self_signed(folder, name):
    """(certificate file, key file) of a new RSA key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                    f"/CN={name}", "-keyout", key, "-out", cert], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return cert, key
