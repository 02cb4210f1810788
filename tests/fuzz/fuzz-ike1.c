/* SPDX-License-Identifier: Apache-2.0 */
/* IKEv1's machine. The first octet says how far it is before the input's messages come: nothing
 * yet, phase 1 under way, or up with a child. The input is a series of records: a kind, the length
 * (two octets), and bytes. After phase 1 the harness encrypts payloads and puts the right hash
 * before them, so that all parsers inside are reached.
 *
 * Laws: ended() comes once and is the last call; children go up and down in pairs, and are bounded;
 * the first answer is no longer than its request; time leads to an end. */

#include "tests/fuzz/fuzz.h"
#include "tests/unit/ikev1/pair.h"

enum { RECORDS = 24, STAGES = 3 };

enum kind {
    AS_IT_IS,      /* the bytes are a whole message */
    WITH_COOKIES,  /* they are, but for the cookies */
    QUICK,         /* payloads of the first message of a quick mode */
    INFORMATIONAL, /* payloads of an informational exchange */
    TURNED,        /* a good message 1 of a quick mode, with bytes xor'ed into its payloads */
    PASS_TIME,
    OWNER, /* calls of the owner's */
    KINDS,
};

static void
start(struct pair *p, unsigned stage, struct reader *r)
{
    pair_init(p);
    p->client.suite.group = 19; /* fast */
    p->config.weak = 15;
    p->config.force_udp = true;
    p->aggressive_psk = "secret";
    if (stage == 0) {
        size_t len = reader_u16(r);
        struct reader first = reader_sub(r, MIN(len, r->left));
        pair_begin_with(p, first);
        if (p->k)
            g_assert_true(p->k->exchange == ISAKMP_AGGRESSIVE || p->longest <= p->k->first_len);
        return;
    }
    if (stage == 1) {
        pair_begin(p);
        return;
    }
    pair_up(p);
    struct initiator_quick q = pair_quick(p, 0);
    initiator_quick(&p->i, &q);
    pair_flush(p);
    g_assert_cmpuint(p->ups, ==, 1);
}

static void
with_cookies(struct pair *p, struct reader bytes)
{
    uint8_t message[2048];
    size_t len = MIN(bytes.left, sizeof(message));

    memcpy(message, bytes.at, len);
    if (len >= ISAKMP_HEADER) {
        memcpy(message, p->i.cookies, ISAKMP_COOKIE);
        memcpy(message + ISAKMP_COOKIE, p->config.cookie, ISAKMP_COOKIE);
        message[24] = message[25] = 0;
        message[26] = (uint8_t)(len >> 8);
        message[27] = (uint8_t)len;
    }
    pair_give(p, reader_of(message, len));
}

static void
sealed(struct pair *p, uint8_t exchange, struct reader bytes)
{
    uint8_t first = reader_u8(&bytes);

    if (!p->i.up || !reader_ok(&bytes))
        return;
    bytes.left = MIN(bytes.left, 8000);
    initiator_raw(&p->i, exchange, ++p->i.next_id, first, bytes);
    pair_give(p, reader_of(p->i.out, p->i.out_len));
}

/* The initiator's own message, opened again, changed, and closed with the right hash. */
static void
turned(struct pair *p, struct reader bytes)
{
    struct initiator_quick q = pair_quick(p, bytes.left > 100 ? 19 : 0);
    uint8_t plain[4096];
    uint8_t iv[IKE1_BLOCK_MAX];

    if (!p->i.up)
        return;
    q.original = bytes.left % 2;
    initiator_quick(&p->i, &q);
    size_t len = p->i.out_len - ISAKMP_HEADER;
    size_t skip = 4 + ike1_hash_size(p->i.c.suite.hash);
    memcpy(plain, p->i.out + ISAKMP_HEADER, len);
    g_assert_true(ike1_exchange_iv(&p->i.keys, p->i.q_id, iv));
    g_assert_true(ike1_decrypt(&p->i.keys, iv, plain, len));
    for (size_t i = 0; i < bytes.left && skip + i < len; i++)
        plain[skip + i] ^= bytes.at[i];
    initiator_raw(&p->i, ISAKMP_QUICK, ++p->i.next_id, ISAKMP_SA,
                  reader_of(plain + skip, len - skip));
    pair_give(p, reader_of(p->i.out, p->i.out_len));
}

static void
owner(struct pair *p, struct reader bytes)
{
    uint8_t what = reader_u8(&bytes);
    uint8_t which = reader_u8(&bytes);
    uint32_t spi = p->children > 0 ? p->child[which % p->children].c.spi_in : 0;

    if (!p->k)
        return;
    if (what % 8 == 7)
        ike1_close(p->k, which & 1, p->now_us);
    else if (what % 2 == 0)
        ike1_rekey(p->k, spi, p->now_us);
    else if (pair_child(p, spi) && pair_child(p, spi)->up) {
        pair_child(p, spi)->up = false;
        p->downs++;
        ike1_delete_child(p->k, spi, p->now_us);
    }
    while (p->job)
        pair_compute(p);
}

static void
record(struct pair *p, struct reader *r)
{
    uint8_t kind = reader_u8(r) % KINDS;
    size_t len = reader_u16(r);
    struct reader bytes = reader_sub(r, MIN(len, r->left));

    switch (kind) {
    case AS_IT_IS:
        pair_give(p, bytes);
        break;
    case WITH_COOKIES:
        with_cookies(p, bytes);
        break;
    case QUICK:
        sealed(p, ISAKMP_QUICK, bytes);
        break;
    case INFORMATIONAL:
        sealed(p, ISAKMP_INFORMATIONAL, bytes);
        break;
    case TURNED:
        turned(p, bytes);
        break;
    case PASS_TIME:
        pair_pass(p, 1 + (unsigned)(len & 63));
        break;
    default:
        owner(p, bytes);
    }
    GBytes *m;
    while ((m = pair_take(p)))
        g_bytes_unref(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(data, size);
    struct pair p;

    start(&p, reader_u8(&r) % STAGES, &r);
    for (unsigned n = 0; n < RECORDS && r.left > 0; n++) {
        record(&p, &r);
        g_assert_cmpuint(p.ended, <=, 1);
        g_assert_cmpuint(p.ups - p.downs, <=, IKE1_CHILDREN_MAX);
    }
    bool there = p.k != NULL;
    pair_pass(&p, IKE1_LIFE_MAX_S + 1);
    g_assert_cmpuint(p.ended, ==, there);
    pair_done(&p);
    return 0;
}
