/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c - see wire.h. */

#include "core/proto/l2tp/wire.h"

#include "core/net/wire.h"
#include "core/proto/reliable.h"

#include <openssl/evp.h>

enum {
    AVP_MANDATORY = 0x8000,
    AVP_HIDDEN = 0x4000,
    AVP_LENGTH = 0x03ff,
    AT_LENGTH = 2, /* of the message */
};

/* ---- headers ---- */

bool
l2tp_header_parse(struct reader packet, struct l2tp_header *out)
{
    struct l2tp_header h = {0};
    size_t whole = packet.left;
    uint16_t flags = reader_u16(&packet);

    h.is_control = flags & L2TP_FLAG_CONTROL;
    h.has_sequence = flags & L2TP_FLAG_SEQUENCE;
    if ((flags & L2TP_VERSION_MASK) != L2TP_VERSION)
        return false;
    if (h.is_control && (flags & (L2TP_FLAG_LENGTH | L2TP_FLAG_SEQUENCE | L2TP_FLAG_OFFSET)) !=
                            (L2TP_FLAG_LENGTH | L2TP_FLAG_SEQUENCE))
        return false;
    if (flags & L2TP_FLAG_LENGTH) {
        size_t len = reader_u16(&packet);
        if (len > whole || len < whole - packet.left)
            return false;
        packet.left -= whole - len;
    }
    h.tunnel = reader_u16(&packet);
    h.session = reader_u16(&packet);
    if (h.has_sequence) {
        h.ns = reader_u16(&packet);
        h.nr = reader_u16(&packet);
    }
    if (flags & L2TP_FLAG_OFFSET) {
        uint16_t skip = reader_u16(&packet);
        (void)reader_take(&packet, skip);
    }
    if (!reader_ok(&packet))
        return false;
    h.payload = packet;
    *out = h;
    return true;
}

/* ---- hidden AVPs (4.3) ---- */

static bool
digest3(struct reader a, struct reader b, struct reader c, uint8_t out[L2TP_DIGEST])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, a.at, a.left) == 1 &&
              EVP_DigestUpdate(ctx, b.at, b.left) == 1 &&
              EVP_DigestUpdate(ctx, c.at, c.left) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

/* Hides or opens in place of out, which may not overlap in. Both ways the same but for what the
 * next block depends on: the hidden one. */
static bool
cipher(uint16_t avp, const struct secret *secret, struct reader random, bool opens,
       struct reader in, uint8_t *out)
{
    uint8_t type[2];
    uint8_t key[L2TP_DIGEST];
    struct reader shared = reader_of(secret->bytes, secret->len);
    const struct reader none = reader_of(NULL, 0);

    wire_put16(type, avp);
    if (!digest3(reader_of(type, sizeof(type)), shared, random, key))
        return false;
    while (in.left > 0) {
        size_t n = in.left < L2TP_DIGEST ? in.left : L2TP_DIGEST;
        const uint8_t *from = reader_take(&in, n);
        for (size_t i = 0; i < n; i++)
            out[i] = from[i] ^ key[i];
        if (in.left > 0 && !digest3(shared, reader_of(opens ? from : out, n), none, key))
            return false;
        out += n;
    }
    secret_wipe(key, sizeof(key));
    return true;
}

/* The value of a hidden AVP, in w's buffer. False: it cannot be opened. */
static bool
reveal(uint16_t avp, const struct secret *secret, struct reader random, struct reader *value,
       struct writer *plain)
{
    if (!secret || !random.at)
        return false;
    struct reader hidden = *value;
    uint8_t *at = writer_room(plain, hidden.left);
    if (!at || !cipher(avp, secret, random, true, hidden, at))
        return false;
    struct reader r = reader_of(at, hidden.left);
    uint16_t len = reader_u16(&r);
    *value = reader_sub(&r, len);
    return reader_ok(value);
}

/* ---- control messages ---- */

/* One AVP. False: it is not whole. */
static bool
take_avp(struct reader *avps, const struct secret *secret, struct writer *plain,
         struct l2tp_message *m)
{
    uint16_t flags = reader_u16(avps);
    size_t len = flags & AVP_LENGTH;
    uint16_t vendor = reader_u16(avps);
    uint16_t type = reader_u16(avps);
    if (len < L2TP_AVP_HEADER)
        return false;
    struct reader value = reader_sub(avps, len - L2TP_AVP_HEADER);
    if (!reader_ok(avps) || !reader_ok(&value))
        return false;

    if (vendor != 0 || type >= L2TP_N_AVPS) /* whether or not it is mandatory: 4.1 is too strict */
        return true;
    if ((flags & AVP_HIDDEN) &&
        !reveal(type, secret, m->value[L2TP_AVP_RANDOM_VECTOR], &value, plain))
        return true;
    if (!m->value[type].at || type == L2TP_AVP_RANDOM_VECTOR) /* the last one before counts */
        m->value[type] = value;
    return true;
}

bool
l2tp_message_parse(struct reader avps, const struct secret *secret, struct l2tp_message *out)
{
    struct writer plain = writer_of(out->plain, sizeof(out->plain));
    struct reader first = avps;

    out->type = 0;
    memset(out->value, 0, sizeof(out->value));
    uint16_t flags = reader_u16(&first);
    uint32_t what = reader_u32(&first); /* vendor and type */
    if (!reader_ok(&first) || (flags & AVP_HIDDEN) || what != L2TP_AVP_MESSAGE_TYPE ||
        avps.left > L2TP_MESSAGE_MAX)
        return false;
    for (unsigned n = 0; avps.left > 0 && n < L2TP_AVPS_MAX; n++) {
        if (!take_avp(&avps, secret, &plain, out))
            return false;
    }
    return l2tp_message_u16(out, L2TP_AVP_MESSAGE_TYPE, &out->type);
}

bool
l2tp_message_has(const struct l2tp_message *m, enum l2tp_avp avp)
{
    return m->value[avp].at != NULL;
}

bool
l2tp_message_u16(const struct l2tp_message *m, enum l2tp_avp avp, uint16_t *out)
{
    struct reader r = m->value[avp];
    uint16_t value = reader_u16(&r);

    if (!l2tp_message_has(m, avp) || !reader_ok(&r))
        return false;
    *out = value;
    return true;
}

bool
l2tp_is_first(struct reader packet)
{
    struct l2tp_header h;

    if (!l2tp_header_parse(packet, &h) || !h.is_control || h.tunnel != 0)
        return false;
    (void)reader_u16(&h.payload);
    uint32_t what = reader_u32(&h.payload);
    uint16_t type = reader_u16(&h.payload);
    return reader_ok(&h.payload) && what == L2TP_AVP_MESSAGE_TYPE && type == L2TP_SCCRQ;
}

/* ---- writing ---- */

/* Those without are for information only (4.4). */
static uint16_t
mandatory(enum l2tp_avp avp)
{
    return avp == L2TP_AVP_FIRMWARE || avp == L2TP_AVP_VENDOR_NAME || avp == L2TP_AVP_TIE_BREAKER
               ? 0
               : AVP_MANDATORY;
}

static void
put_head(struct writer *w, enum l2tp_avp avp, uint16_t flags, size_t len)
{
    if (len > AVP_LENGTH - L2TP_AVP_HEADER)
        w->failed = true;
    writer_u16(w, (uint16_t)(mandatory(avp) | flags | (L2TP_AVP_HEADER + len)));
    writer_u16(w, 0);
    writer_u16(w, (uint16_t)avp);
}

void
l2tp_put(struct writer *w, enum l2tp_avp avp, const void *value, size_t len)
{
    put_head(w, avp, 0, len);
    writer_bytes(w, value, len);
}

void
l2tp_put_u16(struct writer *w, enum l2tp_avp avp, uint16_t value)
{
    put_head(w, avp, 0, 2);
    writer_u16(w, value);
}

void
l2tp_put_u32(struct writer *w, enum l2tp_avp avp, uint32_t value)
{
    put_head(w, avp, 0, 4);
    writer_u32(w, value);
}

void
l2tp_put_result(struct writer *w, uint16_t result, uint16_t error, const char *text)
{
    size_t len = error != 0 && text ? strlen(text) : 0;

    put_head(w, L2TP_AVP_RESULT, 0, (error != 0 ? 4 : 2) + len);
    writer_u16(w, result);
    if (error != 0)
        writer_u16(w, error);
    writer_bytes(w, text, len);
}

void
l2tp_put_hidden(struct writer *w, enum l2tp_avp avp, struct reader value, size_t pad,
                const struct secret *secret, struct reader random)
{
    uint8_t clear[L2TP_MESSAGE_MAX];
    struct writer c = writer_of(clear, sizeof(clear));

    writer_u16(&c, (uint16_t)value.left);
    writer_bytes(&c, value.at, value.left);
    writer_zero(&c, pad);
    put_head(w, avp, AVP_HIDDEN, c.len);
    uint8_t *at = writer_room(w, c.len);
    if (!writer_ok(&c) || !at ||
        !cipher((uint16_t)avp, secret, random, false, reader_of(clear, c.len), at))
        w->failed = true;
    secret_wipe(clear, sizeof(clear));
}

void
l2tp_begin(struct writer *w, enum l2tp_message_type type, uint16_t tunnel, uint16_t session)
{
    writer_u16(w, L2TP_FLAG_CONTROL | L2TP_FLAG_LENGTH | L2TP_FLAG_SEQUENCE | L2TP_VERSION);
    writer_u16(w, 0);
    writer_u16(w, tunnel);
    writer_u16(w, session);
    writer_u32(w, 0);
    l2tp_put_u16(w, L2TP_AVP_MESSAGE_TYPE, (uint16_t)type);
}

bool
l2tp_end(const struct writer *w)
{
    if (!writer_ok(w) || w->len > L2TP_MESSAGE_MAX)
        return false;
    wire_put16(w->start + AT_LENGTH, (uint16_t)w->len);
    return true;
}

void
l2tp_write_ack(uint8_t out[L2TP_CONTROL_HEADER], uint16_t tunnel, uint16_t ns, uint16_t nr)
{
    wire_put16(out, L2TP_FLAG_CONTROL | L2TP_FLAG_LENGTH | L2TP_FLAG_SEQUENCE | L2TP_VERSION);
    wire_put16(out + AT_LENGTH, L2TP_CONTROL_HEADER);
    wire_put16(out + 4, tunnel);
    wire_put16(out + 6, 0);
    wire_put16(out + RELIABLE_AT_NS, ns);
    wire_put16(out + RELIABLE_AT_NR, nr);
}

bool
l2tp_challenge_response(enum l2tp_message_type type, const struct secret *secret,
                        struct reader challenge, uint8_t out[L2TP_DIGEST])
{
    uint8_t id = (uint8_t)type;

    return digest3(reader_of(&id, 1), reader_of(secret->bytes, secret->len), challenge, out);
}
