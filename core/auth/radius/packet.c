/* SPDX-License-Identifier: Apache-2.0 */
/* packet.c - see packet.h. */

#include "core/auth/radius/packet.h"

#include "core/base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { LENGTH_AT = 2, AUTHENTICATOR_AT = 4, MA_SIZE = 2 + RADIUS_AUTHENTICATOR, VENDOR_HEAD = 4 };

struct piece {
    const void *at;
    size_t len;
};

static bool
md5(const struct piece *pieces, unsigned n, uint8_t out[RADIUS_AUTHENTICATOR])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned len = RADIUS_AUTHENTICATOR;
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;

    for (unsigned i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(ctx, pieces[i].at, pieces[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(ctx, out, &len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool
hmac_md5(const struct radius_secret *secret, const void *bytes, size_t len,
         uint8_t out[RADIUS_AUTHENTICATOR])
{
    unsigned n = RADIUS_AUTHENTICATOR;

    return HMAC(EVP_md5(), secret->bytes, secret->len, bytes, len, out, &n) != NULL;
}

/* ---- building ---- */

void
radius_begin(struct writer *w, enum radius_code code, uint8_t id,
             const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    writer_u8(w, (uint8_t)code);
    writer_u8(w, id);
    writer_u16(w, 0);
    writer_bytes(w, authenticator, RADIUS_AUTHENTICATOR);
    writer_u8(w, RADIUS_MESSAGE_AUTHENTICATOR);
    writer_u8(w, MA_SIZE);
    writer_zero(w, RADIUS_AUTHENTICATOR);
}

void
radius_put(struct writer *w, enum radius_attr type, const void *value, size_t len)
{
    if (len > RADIUS_VALUE_MAX) {
        w->failed = true;
        return;
    }
    writer_u8(w, (uint8_t)type);
    writer_u8(w, (uint8_t)(2 + len));
    writer_bytes(w, value, len);
}

void
radius_put_text(struct writer *w, enum radius_attr type, const char *text)
{
    radius_put(w, type, text, strlen(text));
}

void
radius_put_u32(struct writer *w, enum radius_attr type, uint32_t value)
{
    uint8_t bytes[4];
    struct writer b = writer_of(bytes, sizeof(bytes));

    writer_u32(&b, value);
    radius_put(w, type, bytes, sizeof(bytes));
}

void
radius_put_vendor(struct writer *w, uint32_t vendor, uint8_t type, const void *value, size_t len)
{
    uint8_t bytes[RADIUS_VALUE_MAX];
    struct writer b = writer_of(bytes, sizeof(bytes));

    if (len > RADIUS_VALUE_MAX - VENDOR_HEAD - 2) {
        w->failed = true;
        return;
    }
    writer_u32(&b, vendor);
    writer_u8(&b, type);
    writer_u8(&b, (uint8_t)(2 + len));
    writer_bytes(&b, value, len);
    radius_put(w, RADIUS_VENDOR_SPECIFIC, bytes, b.len);
}

void
radius_put_password(struct writer *w, const void *password, size_t len,
                    const struct radius_secret *secret,
                    const uint8_t authenticator[RADIUS_AUTHENTICATOR])
{
    uint8_t hidden[RADIUS_PASSWORD_MAX] = {0};
    uint8_t mask[RADIUS_AUTHENTICATOR] = {0};
    const uint8_t *last = authenticator;
    size_t whole = len == 0 ? 16 : (len + 15) / 16 * 16;

    if (len > sizeof(hidden)) {
        w->failed = true;
        return;
    }
    if (len > 0)
        memcpy(hidden, password, len);
    for (size_t at = 0; at < whole; at += 16) {
        struct piece pieces[] = {{secret->bytes, secret->len}, {last, 16}};
        if (!md5(pieces, 2, mask))
            w->failed = true;
        for (unsigned i = 0; i < 16; i++)
            hidden[at + i] ^= mask[i];
        last = hidden + at;
    }
    radius_put(w, RADIUS_USER_PASSWORD, hidden, whole);
    secret_wipe(hidden, sizeof(hidden));
    secret_wipe(mask, sizeof(mask));
}

static void
set_length(struct writer *w)
{
    if (w->len < RADIUS_HEAD + MA_SIZE || w->len > RADIUS_PACKET_MAX) {
        w->failed = true;
        return;
    }
    w->start[LENGTH_AT] = (uint8_t)(w->len >> 8);
    w->start[LENGTH_AT + 1] = (uint8_t)w->len;
}

static bool
has_own_authenticator(uint8_t code)
{
    return code == RADIUS_ACCESS_REQUEST || code == RADIUS_STATUS_SERVER;
}

bool
radius_seal_request(struct writer *w, const struct radius_secret *secret)
{
    set_length(w);
    if (!writer_ok(w))
        return false;
    bool own = has_own_authenticator(w->start[0]);
    uint8_t *authenticator = w->start + AUTHENTICATOR_AT;
    struct piece pieces[] = {{w->start, w->len}, {secret->bytes, secret->len}};
    uint8_t sum[RADIUS_AUTHENTICATOR];

    if (!own) /* RFC 5176, 3.4: the HMAC is over zeroes, and the MD5 over the HMAC */
        memset(authenticator, 0, RADIUS_AUTHENTICATOR);
    if (!hmac_md5(secret, w->start, w->len, w->start + RADIUS_HEAD + 2))
        return false;
    if (own)
        return true;
    if (!md5(pieces, 2, sum))
        return false;
    memcpy(authenticator, sum, sizeof(sum));
    return true;
}

bool
radius_seal_reply(struct writer *w, const struct radius_secret *secret,
                  const uint8_t request_authenticator[RADIUS_AUTHENTICATOR])
{
    set_length(w);
    if (!writer_ok(w))
        return false;
    struct piece pieces[] = {{w->start, w->len}, {secret->bytes, secret->len}};
    uint8_t sum[RADIUS_AUTHENTICATOR];

    memcpy(w->start + AUTHENTICATOR_AT, request_authenticator, RADIUS_AUTHENTICATOR);
    if (!hmac_md5(secret, w->start, w->len, w->start + RADIUS_HEAD + 2) || !md5(pieces, 2, sum))
        return false;
    memcpy(w->start + AUTHENTICATOR_AT, sum, sizeof(sum));
    return true;
}

/* ---- reading ---- */

bool
radius_parse(struct reader in, struct radius_packet *out)
{
    struct radius_packet p = {0};
    const uint8_t *start = in.at;
    size_t have = in.left;

    p.code = reader_u8(&in);
    p.id = reader_u8(&in);
    size_t len = reader_u16(&in);
    reader_copy(&in, p.authenticator, sizeof(p.authenticator));
    if (!reader_ok(&in) || len < RADIUS_HEAD || len > have || len > RADIUS_PACKET_MAX)
        return false;
    p.whole = reader_of(start, len);
    p.attributes = reader_sub(&in, len - RADIUS_HEAD);
    struct reader rest = p.attributes;
    while (rest.left > 0) {
        (void)reader_u8(&rest);
        uint8_t size = reader_u8(&rest);
        if (size < 2 || !reader_take(&rest, size - 2u))
            return false;
    }
    *out = p;
    return true;
}

struct radius_iter
radius_iter_of(const struct radius_packet *p)
{
    return (struct radius_iter){.rest = p->attributes, .inside = reader_of(NULL, 0)};
}

/* The next attribute of a vendor, out of one Vendor-Specific. */
static bool
next_inside(struct radius_iter *it, struct radius_attribute *out)
{
    if (it->inside.left < 2)
        return false;
    uint8_t type = reader_u8(&it->inside);
    uint8_t size = reader_u8(&it->inside);
    struct reader value = size >= 2 ? reader_sub(&it->inside, size - 2u) : reader_of(NULL, 0);
    if (size < 2 || !reader_ok(&it->inside)) { /* not of the usual form: of no use here */
        it->inside = reader_of(NULL, 0);
        return false;
    }
    *out = (struct radius_attribute){.type = type, .vendor = it->vendor, .value = value};
    return true;
}

bool
radius_next(struct radius_iter *it, struct radius_attribute *out)
{
    while (!next_inside(it, out)) {
        if (it->rest.left == 0)
            return false;
        uint8_t type = reader_u8(&it->rest);
        uint8_t size = reader_u8(&it->rest);
        struct reader value = reader_sub(&it->rest, size - 2u); /* radius_parse() has checked it */
        if (type == RADIUS_VENDOR_SPECIFIC && value.left > VENDOR_HEAD) {
            it->vendor = reader_u32(&value);
            it->inside = value;
            continue;
        }
        *out = (struct radius_attribute){.type = type, .value = value};
        return true;
    }
    return true;
}

bool
radius_find(const struct radius_packet *p, uint8_t type, struct reader *value)
{
    struct radius_iter it = radius_iter_of(p);
    struct radius_attribute a;

    while (radius_next(&it, &a)) {
        if (a.vendor == 0 && a.type == type) {
            *value = a.value;
            return true;
        }
    }
    return false;
}

bool
radius_value_u32(struct reader value, uint32_t *out)
{
    if (value.left != 4)
        return false;
    *out = reader_u32(&value);
    return true;
}

/* Where the Message-Authenticator's value is in the packet; 0: it has none. */
static size_t
find_authenticator(const struct radius_packet *p, bool *bad)
{
    struct reader value;

    *bad = false;
    if (!radius_find(p, RADIUS_MESSAGE_AUTHENTICATOR, &value))
        return 0;
    *bad = value.left != RADIUS_AUTHENTICATOR;
    return (size_t)(value.at - p->whole.at);
}

/* head: what stood in the place of the authenticator when it was made. */
static enum radius_fault
check(const struct radius_packet *p, const struct radius_secret *secret,
      const uint8_t head[RADIUS_AUTHENTICATOR], bool must_have)
{
    uint8_t copy[RADIUS_PACKET_MAX];
    uint8_t sum[RADIUS_AUTHENTICATOR];
    size_t len = p->whole.left;
    bool bad = false;
    size_t at = find_authenticator(p, &bad);
    struct piece pieces[] = {{copy, len}, {secret->bytes, secret->len}};

    memcpy(copy, p->whole.at, len);
    memcpy(copy + AUTHENTICATOR_AT, head, RADIUS_AUTHENTICATOR);
    if (!md5(pieces, 2, sum) || !secret_equal(sum, p->authenticator, sizeof(sum)) || bad)
        return RADIUS_FORGED;
    if (at == 0)
        return must_have ? RADIUS_BARE : RADIUS_FINE;
    memset(copy + at, 0, RADIUS_AUTHENTICATOR);
    if (!hmac_md5(secret, copy, len, sum) ||
        !secret_equal(sum, p->whole.at + at, RADIUS_AUTHENTICATOR))
        return RADIUS_FORGED;
    return RADIUS_FINE;
}

enum radius_fault
radius_check_reply(const struct radius_packet *p, const struct radius_secret *secret,
                   const uint8_t request_authenticator[RADIUS_AUTHENTICATOR], bool must_have)
{
    return check(p, secret, request_authenticator, must_have);
}

enum radius_fault
radius_check_request(const struct radius_packet *p, const struct radius_secret *secret,
                     bool must_have)
{
    static const uint8_t zero[RADIUS_AUTHENTICATOR];

    return check(p, secret, zero, must_have);
}

bool
radius_open_key(struct reader value, const struct radius_secret *secret,
                const uint8_t request_authenticator[RADIUS_AUTHENTICATOR], uint8_t out[16])
{
    enum { SALT = 2, BLOCK = 16, PLAIN = 2 * BLOCK };
    uint8_t plain[PLAIN] = {0};
    uint8_t mask[BLOCK] = {0};
    const uint8_t *salt = reader_take(&value, SALT);
    const uint8_t *hidden = value.left >= PLAIN ? reader_take(&value, PLAIN) : NULL;
    struct piece first[] = {
        {secret->bytes, secret->len}, {request_authenticator, RADIUS_AUTHENTICATOR}, {salt, SALT}};
    struct piece second[] = {{secret->bytes, secret->len}, {hidden, BLOCK}};
    bool ok = salt && hidden && value.left == 0;

    for (unsigned i = 0; ok && i < 2; i++) {
        ok = i == 0 ? md5(first, 3, mask) : md5(second, 2, mask);
        for (unsigned j = 0; ok && j < BLOCK; j++)
            plain[i * BLOCK + j] = hidden[i * BLOCK + j] ^ mask[j];
    }
    ok = ok && plain[0] == BLOCK; /* its length */
    if (ok)
        memcpy(out, plain + 1, BLOCK);
    secret_wipe(plain, sizeof(plain));
    secret_wipe(mask, sizeof(mask));
    return ok;
}
