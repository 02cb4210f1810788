/* SPDX-License-Identifier: Apache-2.0 */
/* sha0.c - see sha0.h. FIPS 180 section 7: SHA-1 whose message schedule is not rotated. */

#include "core/crypto/sha0.h"

#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/base/writer.h"

#include <string.h>

enum { BLOCK = 64, LENGTH_FIELD = 8, ROUNDS = 80 };

struct sha0 {
    uint32_t h[5];
    uint64_t total; /* bytes so far */
    uint8_t block[BLOCK];
};

static uint32_t
rotate(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static void
one_block(struct sha0 *s)
{
    uint32_t w[ROUNDS];
    struct reader in = reader_of(s->block, BLOCK);
    for (unsigned t = 0; t < 16; t++)
        w[t] = reader_u32(&in);
    for (unsigned t = 16; t < ROUNDS; t++)
        w[t] = w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16];

    uint32_t a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];
    for (unsigned t = 0; t < ROUNDS; t++) {
        uint32_t f;
        if (t < 20)
            f = ((b & c) | (~b & d)) + 0x5a827999;
        else if (t < 40)
            f = (b ^ c ^ d) + 0x6ed9eba1;
        else if (t < 60)
            f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
        else
            f = (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = rotate(a, 5) + f + e + w[t];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    s->h[0] += a;
    s->h[1] += b;
    s->h[2] += c;
    s->h[3] += d;
    s->h[4] += e;
    secret_wipe(w, sizeof(w));
}

static void
start(struct sha0 *s)
{
    *s = (struct sha0){.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

static void
add(struct sha0 *s, const void *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len);
    while (in.left > 0) {
        size_t filled = (size_t)(s->total % BLOCK);
        size_t n = in.left < BLOCK - filled ? in.left : BLOCK - filled;
        reader_copy(&in, s->block + filled, n);
        s->total += n;
        if (s->total % BLOCK == 0)
            one_block(s);
    }
}

static void
finish(struct sha0 *s, uint8_t out[SHA0_SIZE])
{
    uint8_t bits[LENGTH_FIELD];
    struct writer length = writer_of(bits, sizeof(bits));
    writer_u64(&length, s->total * 8);

    static const uint8_t padding[BLOCK] = {0x80};
    size_t filled = (size_t)(s->total % BLOCK);
    size_t room = filled < BLOCK - LENGTH_FIELD ? BLOCK - LENGTH_FIELD : 2 * BLOCK - LENGTH_FIELD;
    add(s, padding, room - filled);
    add(s, bits, sizeof(bits));

    struct writer w = writer_of(out, SHA0_SIZE);
    for (unsigned i = 0; i < 5; i++)
        writer_u32(&w, s->h[i]);
    secret_wipe(s, sizeof(*s));
}

void
sha0(const void *bytes, size_t len, uint8_t out[SHA0_SIZE])
{
    struct sha0 s;
    start(&s);
    add(&s, bytes, len);
    finish(&s, out);
}

void
sevpn_user_hash(const char *user, const char *password, uint8_t out[SHA0_SIZE])
{
    struct sha0 s;
    start(&s);
    add(&s, password, strlen(password));
    for (const char *p = user; *p != '\0'; p++) {
        uint8_t c = (uint8_t)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        add(&s, &c, 1);
    }
    finish(&s, out);
}

void
sevpn_secure_password(const uint8_t user_hash[SHA0_SIZE], const uint8_t challenge[20],
                      uint8_t out[SHA0_SIZE])
{
    struct sha0 s;
    start(&s);
    add(&s, user_hash, SHA0_SIZE);
    add(&s, challenge, 20);
    finish(&s, out);
}
