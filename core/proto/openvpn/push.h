/* SPDX-License-Identifier: Apache-2.0 */
/* push.h - composes the PUSH_REPLY: what a client is to set up at its side. Pure. */
#pragma once

#include "core/hub/l3/l3port.h"
#include "core/proto/openvpn/options.h"

enum { OVPN_PUSH_MAX = 1024 - 84 }; /* bytes of one message: clients take no more in one */

/* How packets are marked for compression, where a client insists on marks; nothing is compressed.
 */
enum ovpn_framing { OVPN_FRAMING_NONE, OVPN_FRAMING_LZO, OVPN_FRAMING_STUB_V2 };

struct ovpn_push {
    const struct openvpn_settings *settings;
    const struct ovpn_client_says *says;
    const struct l3port_address *address; /* NULL: a tap client, which has a DHCP client */
    enum ovpn_cipher cipher;              /* OVPN_CIPHER_NONE_AGREED: not told */
    enum ovpn_framing framing;
    uint32_t peer_id; /* OVPN_PEER_ID_NONE: not told */
    bool ekm;
    bool datagrams;    /* it came by UDP */
    const char *token; /* or NULL */
};

/* The messages, in order; free with g_ptr_array_unref. There may be a secret (the token) inside:
 * elements are wiped. */
GPtrArray *ovpn_push_compose(const struct ovpn_push *p);
/* The same for a single option, as after a renegotiation. */
GPtrArray *ovpn_push_one(const char *option);
/* The tun-mtu that client and server will use. */
unsigned ovpn_push_mtu(const struct ovpn_client_says *says, const struct openvpn_settings *s);
