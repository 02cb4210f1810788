/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - one key's control channel: TLS on top of the reliability layer, and messages in it.
 *
 * The peer's owner feeds packets and time, and pulls packets. A message is one TLS record: first
 * key method 2, then text. Bounded: what came is held by the receive window, what is to be sent by
 * OVPN_CHANNEL_OUT_MAX. One thread.
 */
#pragma once

#include "core/proto/openvpn/reliable.h"

#include <openssl/ssl.h>

enum {
    OVPN_CHANNEL_OUT_MAX = 64 * 1024,
    OVPN_MESSAGE_MAX = 8192, /* that is read at once; key method 2 is shorter */
};

struct ovpn_channel {
    struct ovpn_reliable reliable;
    SSL *ssl;         /* owned, with its two memory BIOs */
    size_t chunk;     /* bytes of TLS in one packet */
    bool open;        /* the handshake is done */
    bool tls_waiting; /* bytes are in the way in */
};

/* chunk: at most OVPN_PAYLOAD_MAX. NULL when out of memory. */
struct ovpn_channel *ovpn_channel_new(SSL_CTX *ctx, size_t chunk);
void ovpn_channel_free(struct ovpn_channel *ch); /* NULL is fine */

/* Takes what came in order, and goes on with the handshake: dear, so the owner counts the calls
 * while the channel is not open. False: TLS has failed. */
bool ovpn_channel_advance(struct ovpn_channel *ch, int64_t now_us) MUST_CHECK;
/* The next message: its length, 0 for none now, -1 when TLS has failed or ended. */
long ovpn_channel_read(struct ovpn_channel *ch, uint8_t *out, size_t cap);
/* One record. False: not open, or too much waits already. */
bool ovpn_channel_write(struct ovpn_channel *ch, const void *bytes, size_t len, int64_t now_us);
/* Text with its NUL. */
bool ovpn_channel_say(struct ovpn_channel *ch, const char *text, int64_t now_us);
/* The next packet to send (see ovpn_reliable_pull). */
bool ovpn_channel_pull(struct ovpn_channel *ch, int64_t now_us, struct ovpn_control *c);
/* All that was said has arrived. */
bool ovpn_channel_is_quiet(const struct ovpn_channel *ch);

/* The certificate whose key the peer has shown, as DER; NULL for none. */
GBytes *ovpn_channel_certificate(const struct ovpn_channel *ch);
/* Keys by the TLS exporter (RFC 5705), label as OpenVPN has it. */
bool ovpn_channel_export(struct ovpn_channel *ch, uint8_t *out, size_t len) MUST_CHECK;
