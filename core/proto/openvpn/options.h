/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what a client says of itself in its key method 2 message, and what follows from it.
 * Pure functions. */
#pragma once

#include "core/proto/openvpn/server.h"

enum {
    OVPN_PROTO_DATA_V2 = 1 << 1, /* bits of IV_PROTO */
    OVPN_PROTO_REQUEST_PUSH = 1 << 2,
    OVPN_PROTO_TLS_EKM = 1 << 3,
    OVPN_PROTO_CC_EXIT = 1 << 7,
};

/* Of its options string and its peer info ("IV_..." lines). All untrusted text. */
struct ovpn_client_says {
    bool tap;
    bool comp;     /* frames its packets for compression in some way */
    bool fragment; /* its own fragmentation, which is not spoken here */
    enum ovpn_cipher cipher;
    char digest[24]; /* for CBC; "" for none */
    unsigned tun_mtu;

    uint32_t proto; /* IV_PROTO */
    bool ncp;       /* IV_NCP=2 */
    bool stub_v2;
    char ciphers[512]; /* IV_CIPHERS */
    unsigned mtu;      /* IV_MTU: the longest tun-mtu that may be pushed; 0: none may */
    char version[48], platform[24], gui[48], hwaddr[24];
};
void
ovpn_client_says_parse(const char *options, const char *peer_info, struct ovpn_client_says *out);

/* The server's own options string: the client's, seen from the other side. */
void ovpn_options_mirror(const char *client, char *out, size_t cap);

/* The data channel's cipher, and whether the client must be told. OVPN_CIPHER_NONE_AGREED: there is
 * none. */
enum ovpn_cipher ovpn_choose_cipher(const struct ovpn_client_says *says,
                                    const struct openvpn_settings *settings, bool *tell);
