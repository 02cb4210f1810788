/* SPDX-License-Identifier: Apache-2.0 */
/* wire.h - OpenVPN's packets before any cryptography: opcodes, the control packet, the key method 2
 * message. Facts are in docs/protocols/openvpn.md. */
#pragma once

#include "core/base/drop.h"
#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/base/types.h"
#include "core/base/writer.h"

#include <stdbool.h>
#include <stdint.h>

enum ovpn_op {
    OVPN_SOFT_RESET_V1 = 3,
    OVPN_CONTROL_V1 = 4,
    OVPN_ACK_V1 = 5,
    OVPN_DATA_V1 = 6,
    OVPN_HARD_RESET_CLIENT_V2 = 7,
    OVPN_HARD_RESET_SERVER_V2 = 8,
    OVPN_DATA_V2 = 9,
    OVPN_HARD_RESET_CLIENT_V3 = 10,
    OVPN_CONTROL_WKC_V1 = 11,
};

enum {
    OVPN_SID = 8,
    OVPN_ACKS_MAX = 8,
    OVPN_CONTROL_MAX = 1250, /* of a control packet that we send, wrapping included */
    OVPN_PACKET_MAX = 9216,  /* of any packet that we take, TCP's length included */
    OVPN_PEER_ID_NONE = 0xffffff,
    OVPN_NAME_MAX = 255, /* of user names and passwords that we take: a NUL follows */
    OVPN_OPTIONS_MAX = 1024,
    OVPN_PEER_INFO_MAX = 4096,
};

static inline uint8_t
ovpn_op(uint8_t first)
{
    return first >> 3;
}

static inline uint8_t
ovpn_key_id(uint8_t first)
{
    return first & 7;
}

static inline uint8_t
ovpn_first(enum ovpn_op op, uint8_t key_id)
{
    return (uint8_t)(op << 3 | key_id);
}

/* What the first bytes of a TCP stream say: 1 OpenVPN (a length and a reset of a client), 0 not, -1
 * more bytes are needed (three are enough). */
int ovpn_recognise_stream(struct reader in);

/* A control packet without its wrapping: what follows the session id of its sender. */
struct ovpn_control {
    enum ovpn_op op;
    uint8_t key_id;
    uint8_t sid[OVPN_SID]; /* sender's */
    uint8_t n_acks;
    uint32_t ack[OVPN_ACKS_MAX];
    uint8_t peer_sid[OVPN_SID]; /* receiver's; only if n_acks > 0 */
    bool has_id;                /* all but ACK_V1 */
    uint32_t id;
    struct reader payload;
};

/* The part behind the wrapping (ack section, packet id, payload); op, key_id and sid are set by the
 * caller before. */
enum drop ovpn_control_parse(struct reader in, struct ovpn_control *out) MUST_CHECK;
void ovpn_control_write(struct writer *w, const struct ovpn_control *c);

/* Key method 2, as it lies in TLS. */
struct ovpn_km2 {
    bool from_client;
    uint8_t pre_master[48]; /* client's */
    uint8_t random1[32], random2[32];
    char options[OVPN_OPTIONS_MAX];
    char user[OVPN_NAME_MAX + 1];
    char password[OVPN_NAME_MAX + 1]; /* wipe it */
    char peer_info[OVPN_PEER_INFO_MAX];
};

/* One whole message; missing fields at its end are empty. *used: bytes that belonged to it.
 * DROP_SHORT: not whole yet. DROP_MALFORMED, DROP_TOO_LONG. */
enum drop
ovpn_km2_parse(struct reader in, bool from_client, struct ovpn_km2 *out, size_t *used) MUST_CHECK;
void ovpn_km2_write(struct writer *w, const struct ovpn_km2 *m);
