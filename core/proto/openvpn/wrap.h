/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.h - what protects control packets before TLS: nothing, tls-auth, tls-crypt, tls-crypt-v2.
 *
 * A key is made once from a key file and shared; the state of one session (its counters and replay
 * window) is its own.
 */
#pragma once

#include "core/base/secret.h"
#include "core/proto/openvpn/wire.h"

#include <glib.h>

enum ovpn_wrap_kind { OVPN_WRAP_NONE, OVPN_WRAP_AUTH, OVPN_WRAP_CRYPT, OVPN_WRAP_CRYPT_V2 };

enum {
    OVPN_STATIC_KEY = 256,
    OVPN_V2_SERVER_KEY = 128,
    OVPN_WKC_MAX = 1024,
    OVPN_REPLAY_CONTROL = 64, /* packets of window */
};

/* What the server's key for one kind is. Immutable after it was made; any thread. */
struct ovpn_wrap_key;

/* key: OVPN_STATIC_KEY bytes (AUTH, CRYPT), or OVPN_V2_SERVER_KEY bytes (CRYPT_V2: opens clients'
 * wrapped keys). digest: OpenSSL's name for AUTH ("SHA1", "SHA256"); direction for AUTH: 0, 1, or
 * -1 for none, as the server's own. NULL when the digest is not known. */
struct ovpn_wrap_key *ovpn_wrap_key_new(enum ovpn_wrap_kind kind, const uint8_t *key, size_t len,
                                        const char *digest, int direction);
struct ovpn_wrap_key *ovpn_wrap_key_ref(struct ovpn_wrap_key *k);
void ovpn_wrap_key_unref(struct ovpn_wrap_key *k); /* wipes; NULL is fine */
enum ovpn_wrap_kind ovpn_wrap_key_kind(const struct ovpn_wrap_key *k);

/* One session's side of it. Zero-initialised, then begun; no memory but the reference. */
struct ovpn_wrap {
    struct ovpn_wrap_key *key; /* owned; NULL: nothing wraps */
    uint32_t send_id;          /* last one used */
    uint32_t send_time;        /* of the first one; 0: none yet */
    uint64_t replay_top;       /* time << 32 | id */
    uint64_t replay_bits;
};
/* References. Who has already answered this client from another ovpn_wrap (statelessly, with id 1)
 * sets send_id to 1 afterwards: the client would take a second id 1 of that second for a replay. */
void ovpn_wrap_begin(struct ovpn_wrap *w, struct ovpn_wrap_key *key);
void ovpn_wrap_end(struct ovpn_wrap *w);

/* For CRYPT_V2: the packet's tail is a wrapped client key; opens it into a key of kind CRYPT
 * (transfer full), and *packet_len becomes what is before it. NULL: not genuine, or its metadata is
 * not for us. */
struct ovpn_wrap_key *
ovpn_wrap_open_wkc(const struct ovpn_wrap_key *server, const uint8_t *packet, size_t *packet_len);

/* Opens one whole control packet in place (the bytes are changed). DROP_SHORT, DROP_MALFORMED
 * (authentication failed), DROP_POLICY (replayed). The window moves only when genuine. check_replay
 * false: stateless look at a first packet. */
enum drop ovpn_wrap_open(struct ovpn_wrap *w, uint8_t *packet, size_t len, bool check_replay,
                         struct ovpn_control *out) MUST_CHECK;
/* The replay packet id and time of a wrapped packet, before or after opening; 0 if there are none.
 */
uint32_t ovpn_wrap_packet_id(const struct ovpn_wrap *w, const uint8_t *packet, size_t len);
/* Builds a whole packet. now_s: for the time field. False when it does not fit. */
bool ovpn_wrap_seal(struct ovpn_wrap *w, const struct ovpn_control *c, uint32_t now_s,
                    struct writer *out) MUST_CHECK;
/* Bytes that wrapping adds. */
size_t ovpn_wrap_overhead(const struct ovpn_wrap *w);

/* Key files ("OpenVPN Static key V1", "OpenVPN tls-crypt-v2 server key" and "client key"). */
bool ovpn_static_key_parse(const char *pem, uint8_t out[OVPN_STATIC_KEY]) MUST_CHECK;
char *ovpn_static_key_print(const uint8_t key[OVPN_STATIC_KEY]); /* g_free after secret_wipe */
bool ovpn_v2_server_key_parse(const char *pem, uint8_t out[OVPN_V2_SERVER_KEY]) MUST_CHECK;
char *ovpn_v2_server_key_print(const uint8_t key[OVPN_V2_SERVER_KEY]);
/* A new client key wrapped with the server's, as a PEM file. random: 256 fresh bytes; now_s: the
 * timestamp metadata. */
char *ovpn_v2_client_key_make(const uint8_t server_key[OVPN_V2_SERVER_KEY],
                              const uint8_t random[OVPN_STATIC_KEY], int64_t now_s);
