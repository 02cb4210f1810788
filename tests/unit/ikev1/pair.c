/* SPDX-License-Identifier: Apache-2.0 */
/* pair.c - see pair.h. */

#include "tests/unit/ikev1/pair.h"

#define US INT64_C(1000000)

/* ---- ops ---- */

static void
on_send(void *owner, struct reader message, int64_t now_us)
{
    struct pair *p = owner;

    g_assert_cmpint(now_us, ==, p->now_us);
    p->sent++;
    p->longest = MAX(p->longest, message.left);
    if (p->lose > 0)
        p->lose--;
    else
        g_queue_push_tail(&p->to_client, g_bytes_new(message.at, message.left));
}

static void
on_random(void *owner, void *out, size_t n)
{
    struct pair *p = owner;
    uint8_t *at = out;

    for (size_t i = 0; i < n; i++) {
        p->random = p->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        at[i] = (uint8_t)(p->random >> 56);
    }
}

static void
on_compute(void *owner, struct ike1_dh *job)
{
    struct pair *p = owner;

    g_assert_null(p->job);
    p->job = job;
}

static bool
on_key(void *owner, const struct ike1_id *id, unsigned n, struct ike1_key *out)
{
    static struct secret *held; /* as long as the call: the machine must not keep it */
    struct pair *p = owner;
    const char *psk = id ? p->aggressive_psk : n < PAIR_PSKS ? p->psk[n] : NULL;

    g_clear_pointer(&held, secret_free);
    if (!psk || (id && n > 0))
        return false;
    held = secret_text(psk);
    *out = (struct ike1_key){.psk = held, .tag = (void *)(uintptr_t)psk};
    return true;
}

static bool
on_trusts(void *owner, X509 *cert, STACK_OF(X509) * chain)
{
    struct pair *p = owner;

    g_assert_true(cert && chain);
    return !p->distrust;
}

static bool
on_established(void *owner, const struct ike1_id *id, void *tag, X509 *cert, int64_t now_us)
{
    struct pair *p = owner;

    g_assert_cmpint(now_us, ==, p->now_us);
    p->established++;
    p->id = *id;
    p->tag = tag;
    p->had_cert = cert != NULL;
    return !p->refuse_peer;
}

static void
on_contact(void *owner, int64_t now_us)
{
    struct pair *p = owner;

    g_assert_cmpint(now_us, ==, p->now_us);
    g_assert_cmpuint(p->established, >, 0);
    p->contacts++;
}

static uint32_t
on_spi(void *owner)
{
    return ++((struct pair *)owner)->next_spi;
}

struct pair_child *
pair_child(struct pair *p, uint32_t spi_in)
{
    for (unsigned n = 0; n < p->children; n++)
        if (p->child[n].c.spi_in == spi_in)
            return &p->child[n];
    return NULL;
}

static bool
on_up(void *owner, const struct esp_child *c, int64_t now_us)
{
    struct pair *p = owner;

    g_assert_cmpint(now_us, ==, p->now_us);
    if (p->refuse_child)
        return false;
    g_assert_null(pair_child(p, c->spi_in));
    p->ups++;
    if (p->children < PAIR_CHILDREN)
        p->child[p->children++] = (struct pair_child){.c = *c, .up = true};
    return true;
}

static void
on_confirmed(void *owner, uint32_t spi_in, int64_t now_us)
{
    struct pair *p = owner;
    struct pair_child *c = pair_child(p, spi_in);

    g_assert_cmpint(now_us, ==, p->now_us);
    g_assert_true(c && c->up && !c->confirmed);
    c->confirmed = true;
}

static void
on_down(void *owner, uint32_t spi_in, int64_t now_us)
{
    struct pair *p = owner;
    struct pair_child *c = pair_child(p, spi_in);

    g_assert_cmpint(now_us, ==, p->now_us);
    g_assert_true(c && c->up);
    c->up = false;
    p->downs++;
}

static void
on_ended(void *owner, enum ike1_end why, int64_t now_us)
{
    struct pair *p = owner;

    g_assert_cmpint(now_us, ==, p->now_us);
    p->ended++;
    p->why = why;
}

static const struct ike1_ops ops = {
    .send = on_send,
    .random = on_random,
    .compute = on_compute,
    .key = on_key,
    .trusts = on_trusts,
    .established = on_established,
    .initial_contact = on_contact,
    .new_spi = on_spi,
    .child_up = on_up,
    .child_confirmed = on_confirmed,
    .child_down = on_down,
    .ended = on_ended,
};

/* ---- the pair ---- */

void
pair_init(struct pair *p)
{
    memset(p, 0, sizeof(*p));
    struct endpoint server = {.ip = ip_from_v4(0xc0000201), .port = 500};
    struct endpoint client = {.ip = ip_from_v4(0xc6336407), .port = 500};
    p->config = (struct ike1_config){.local = server, .remote = client, .dpd_s = 20};
    memcpy(p->config.cookie, "respondr", IKE1_COOKIE);
    p->client = (struct initiator_config){
        .suite = {.cipher = IKE1_AES_CBC,
                  .key_bits = 256,
                  .hash = IKE1_SHA256,
                  .auth = IKE1_PSK,
                  .group = 14,
                  .life_s = 3600},
        .psk = "secret",
        .vendors = IKE1_VENDOR_NATT_RFC | IKE1_VENDOR_DPD,
        .us = client,
        .peer = server,
    };
    p->psk[0] = "secret";
    p->seen = client;
    p->now_us = 1000 * US;
    p->next_spi = 0x10000;
    g_queue_init(&p->to_client);
}

void
pair_done(struct pair *p)
{
    g_queue_clear_full(&p->to_client, (GDestroyNotify)g_bytes_unref);
    ike1_dh_free(p->job);
    ike1_free(p->k);
    initiator_done(&p->i);
}

void
pair_compute(struct pair *p)
{
    struct ike1_dh *job = p->job;

    p->job = NULL;
    if (!job)
        return;
    ike1_dh_compute(job);
    p->computed++;
    ike1_computed(p->k, job, p->now_us);
}

void
pair_give(struct pair *p, struct reader message)
{
    /* of its own, so that sanitizers see what reads past it */
    struct secret *copy = secret_new(message.at, message.left);

    if (p->k)
        ike1_receive(p->k, reader_of(copy->bytes, copy->len), &p->seen, &p->config.local,
                     &p->proven, p->now_us);
    secret_free(copy);
    while (!p->hold_jobs && p->job)
        pair_compute(p);
}

GBytes *
pair_take(struct pair *p)
{
    return g_queue_pop_head(&p->to_client);
}

void
pair_flush(struct pair *p)
{
    size_t len = p->i.out_len;

    p->i.out_len = 0;
    if (len > 0)
        pair_give(p, reader_of(p->i.out, len));
    pair_run(p);
}

void
pair_run(struct pair *p)
{
    GBytes *m;

    while ((m = pair_take(p))) {
        size_t len;
        const void *at = g_bytes_get_data(m, &len);
        initiator_receive(&p->i, reader_of(at, len));
        g_bytes_unref(m);
        if (p->i.out_len > 0)
            pair_give(p, reader_of(p->i.out, p->i.out_len));
        p->i.out_len = 0;
    }
}

static void
begin_by(struct pair *p, struct reader first)
{
    struct secret *copy = secret_new(first.at, first.left);

    p->config.remote = p->seen;
    p->k = ike1_new(&p->config, &ops, p, reader_of(copy->bytes, copy->len), p->now_us);
    secret_free(copy);
    p->i.out_len = 0;
    while (!p->hold_jobs && p->job)
        pair_compute(p);
}

void
pair_begin(struct pair *p)
{
    initiator_init(&p->i, &p->client);
    initiator_begin(&p->i);
    if (p->turn_bit > 0 && p->turn_bit <= 8 * p->i.out_len)
        p->i.out[(p->turn_bit - 1) / 8] ^= (uint8_t)(1u << (p->turn_bit - 1) % 8);
    begin_by(p, reader_of(p->i.out, p->i.out_len));
}

void
pair_begin_with(struct pair *p, struct reader first)
{
    initiator_init(&p->i, &p->client);
    begin_by(p, first);
}

void
pair_start(struct pair *p)
{
    pair_begin(p);
    pair_run(p);
}

static void
pass(struct pair *p, unsigned seconds, bool heard)
{
    int64_t end_us = p->now_us + seconds * US;

    while (p->k) {
        int64_t due_us = ike1_deadline(p->k);
        if (due_us == 0 || due_us > end_us)
            break;
        p->now_us = MAX(p->now_us, due_us);
        ike1_tick(p->k, p->now_us);
        g_assert_cmpint(ike1_deadline(p->k) == 0 || ike1_deadline(p->k) > p->now_us, ==, TRUE);
        if (heard)
            pair_run(p);
    }
    p->now_us = end_us;
}

void
pair_wait(struct pair *p, unsigned seconds)
{
    pass(p, seconds, true);
}

void
pair_pass(struct pair *p, unsigned seconds)
{
    pass(p, seconds, false);
}

void
pair_up(struct pair *p)
{
    pair_start(p);
    g_assert_nonnull(p->k);
    g_assert_cmpstr(ike1_problem(p->k), ==, "");
    g_assert_true(p->i.up);
    g_assert_true(ike1_is_established(p->k));
    g_assert_cmpuint(p->established, ==, 1);
}

struct initiator_quick
pair_quick(const struct pair *p, uint16_t g)
{
    return (struct initiator_quick){
        .suite = {.esp = {.cipher = ESP_AES_CBC, .integrity = ESP_SHA256_128, .key_bits = 256},
                  .group = g,
                  .life_s = 3600},
        .nat = p->k && p->k->udp,
        .ids = true,
        .spi = 0xc0000000,
    };
}
