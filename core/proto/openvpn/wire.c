/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - see wire.h. */

#include "core/proto/openvpn/wire.h"

#include <glib.h>

enum {
    RESET_LEAST = 14,     /* a reset that nothing wraps */
    RESET_MOST = 255,     /* with the longest HMAC there is room to spare */
    RESET_V3_LEAST = 336, /* tls-crypt and a wrapped key */
    RESET_V3_MOST = 1278,
    METHOD = 2,
};

/* ---- the first bytes of a stream ---- */

/* A ClientHello begins 16 03, a request with a letter: both are lengths that no reset has, so most
 * of what is not OpenVPN is known by its first byte. */
int
ovpn_recognise_stream(struct reader in)
{
    if (in.left == 0)
        return -1;
    if (in.at[0] > RESET_V3_MOST >> 8)
        return 0;
    if (in.left < 2)
        return -1;
    unsigned len = reader_u16(&in);
    if (len < RESET_LEAST || len > RESET_V3_MOST)
        return 0;
    if (in.left == 0)
        return -1;
    uint8_t first = reader_u8(&in);
    if (first == ovpn_first(OVPN_HARD_RESET_CLIENT_V2, 0))
        return len <= RESET_MOST;
    if (first == ovpn_first(OVPN_HARD_RESET_CLIENT_V3, 0))
        return len >= RESET_V3_LEAST;
    return 0;
}

/* ---- control packets ---- */

static bool
is_control(enum ovpn_op op)
{
    switch (op) {
    case OVPN_SOFT_RESET_V1:
    case OVPN_CONTROL_V1:
    case OVPN_ACK_V1:
    case OVPN_HARD_RESET_CLIENT_V2:
    case OVPN_HARD_RESET_SERVER_V2:
    case OVPN_HARD_RESET_CLIENT_V3:
    case OVPN_CONTROL_WKC_V1:
        return true;
    case OVPN_DATA_V1:
    case OVPN_DATA_V2:
        return false;
    }
    return false;
}

enum drop
ovpn_control_parse(struct reader in, struct ovpn_control *out)
{
    struct ovpn_control c = *out;

    if (!is_control(c.op))
        return DROP_MALFORMED;
    c.n_acks = reader_u8(&in);
    if (reader_ok(&in) && c.n_acks > OVPN_ACKS_MAX)
        return DROP_MALFORMED;
    for (unsigned i = 0; i < c.n_acks; i++)
        c.ack[i] = reader_u32(&in);
    if (c.n_acks > 0)
        reader_copy(&in, c.peer_sid, OVPN_SID);
    c.has_id = c.op != OVPN_ACK_V1;
    c.id = c.has_id ? reader_u32(&in) : 0;
    if (!reader_ok(&in))
        return DROP_SHORT;
    c.payload = c.has_id ? in : reader_of(NULL, 0);
    *out = c;
    return DROP_NONE;
}

void
ovpn_control_write(struct writer *w, const struct ovpn_control *c)
{
    g_assert(c->n_acks <= OVPN_ACKS_MAX);
    writer_u8(w, c->n_acks);
    for (unsigned i = 0; i < c->n_acks; i++)
        writer_u32(w, c->ack[i]);
    if (c->n_acks > 0)
        writer_bytes(w, c->peer_sid, OVPN_SID);
    if (c->has_id)
        writer_u32(w, c->id);
    writer_bytes(w, c->payload.at, c->payload.left);
}

/* ---- key method 2 ---- */

/* A length that counts the NUL, and the text. No bytes at all are an empty text, as old programs
 * leave the last ones out; a NUL inside would make two programs see two different names. */
static enum drop
read_text(struct reader *in, char *out, size_t cap)
{
    if (in->left == 0) {
        out[0] = '\0';
        return DROP_NONE;
    }
    size_t len = reader_u16(in);
    if (reader_ok(in) && len > cap)
        return DROP_TOO_LONG;
    const uint8_t *text = reader_take(in, len);
    if (!text)
        return DROP_SHORT;
    if (len > 0 && memchr(text, '\0', len) != text + len - 1)
        return DROP_MALFORMED;
    memcpy(out, text, len);
    out[len > 0 ? len - 1 : 0] = '\0';
    return DROP_NONE;
}

static enum drop
km2_read(struct reader *in, struct ovpn_km2 *m)
{
    uint32_t zero = reader_u32(in);
    uint8_t method = reader_u8(in);

    if (reader_ok(in) && (zero != 0 || (method & 0x0f) != METHOD))
        return DROP_MALFORMED;
    if (m->from_client)
        reader_copy(in, m->pre_master, sizeof(m->pre_master));
    reader_copy(in, m->random1, sizeof(m->random1));
    reader_copy(in, m->random2, sizeof(m->random2));
    if (!reader_ok(in) || in->left == 0)
        return DROP_SHORT; /* the options are always there */

    enum drop why = read_text(in, m->options, sizeof(m->options));
    if (why == DROP_NONE)
        why = read_text(in, m->user, sizeof(m->user));
    if (why == DROP_NONE)
        why = read_text(in, m->password, sizeof(m->password));
    if (why == DROP_NONE)
        why = read_text(in, m->peer_info, sizeof(m->peer_info));
    return why;
}

enum drop
ovpn_km2_parse(struct reader in, bool from_client, struct ovpn_km2 *out, size_t *used)
{
    struct ovpn_km2 m = {.from_client = from_client};
    size_t there = in.left;
    enum drop why = km2_read(&in, &m);

    if (why == DROP_NONE) {
        *out = m;
        *used = there - in.left;
    }
    secret_wipe(&m, sizeof(m));
    return why;
}

static void
write_text(struct writer *w, const char *text)
{
    size_t len = strlen(text) + 1;

    writer_u16(w, (uint16_t)len);
    writer_bytes(w, text, len);
}

static void
write_optional(struct writer *w, const char *text)
{
    if (text[0])
        write_text(w, text);
    else
        writer_u16(w, 0);
}

void
ovpn_km2_write(struct writer *w, const struct ovpn_km2 *m)
{
    writer_u32(w, 0);
    writer_u8(w, METHOD);
    if (m->from_client)
        writer_bytes(w, m->pre_master, sizeof(m->pre_master));
    writer_bytes(w, m->random1, sizeof(m->random1));
    writer_bytes(w, m->random2, sizeof(m->random2));
    write_text(w, m->options);
    write_optional(w, m->user);
    write_optional(w, m->password);
    write_optional(w, m->peer_info);
}
