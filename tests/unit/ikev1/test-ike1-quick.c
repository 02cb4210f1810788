/* SPDX-License-Identifier: Apache-2.0 */
/* Phase 2 of IKEv1: quick modes of both sides, notices, deletes, whether the peer is there, and
 * lifetimes. */

#include "tests/unit/ikev1/pair.h"

#define US INT64_C(1000000)

static void
quick(struct pair *p, const struct initiator_quick *q)
{
    initiator_quick(&p->i, q);
    pair_flush(p);
}

static void
check_child(struct pair *p, const struct initiator_quick *q)
{
    int len = (int)esp_keymat_size(&q->suite.esp);
    const struct initiator_child *ours = &p->i.child;
    const struct pair_child *c = pair_child(p, ours->spi_out);

    g_assert_nonnull(c);
    g_assert_true(c->up && c->confirmed);
    g_assert_cmphex(c->c.spi_out, ==, ours->spi_in);
    g_assert_cmpmem(c->c.keymat_in, len, ours->out, len);
    g_assert_cmpmem(c->c.keymat_out, len, ours->in, len);
    g_assert_cmpint(c->c.tunnel, ==, q->suite.tunnel);
    g_assert_cmpuint(c->c.life_s, ==, q->suite.life_s);
}

/* ---- quick modes of the peer ---- */

static void
test_quick(void)
{
    static const struct esp_suite suite[] = {
        {ESP_AES_GCM_16, ESP_AEAD, 128, false},    {ESP_AES_GCM_16, ESP_AEAD, 256, false},
        {ESP_AES_CBC, ESP_SHA1_96, 128, false},    {ESP_AES_CBC, ESP_SHA256_128, 256, false},
        {ESP_AES_CBC, ESP_SHA512_256, 192, false}, {ESP_3DES_CBC, ESP_SHA1_96, 192, false},
        {ESP_AES_CBC, ESP_MD5_96, 256, false},
    };
    static const uint16_t group[] = {0, 14, 19, 21};
    struct pair p;

    pair_init(&p);
    p.config.force_udp = true;
    p.config.weak = 15;
    pair_up(&p);
    for (unsigned n = 0; n < G_N_ELEMENTS(suite) * G_N_ELEMENTS(group); n++) {
        struct initiator_quick q = pair_quick(&p, group[n % G_N_ELEMENTS(group)]);
        q.suite.esp = suite[n / G_N_ELEMENTS(group)];
        q.suite.tunnel = n % 2;
        q.ids = n % 3 != 1;
        q.fqdn_id = n % 5 == 2;
        q.original = n % 3 == 0;
        q.spi += n;
        unsigned before = p.ups;
        quick(&p, &q);
        g_assert_cmpuint(p.ups, ==, before + 1);
        check_child(&p, &q);
        const struct esp_child *c = &p.child[p.children - 1].c;
        g_assert_true(c->udp);
        g_assert_cmpint(p.i.q_ids_echoed, ==, q.ids);
        if (!q.ids)
            g_assert_cmpuint(c->remote.first.family + c->local.port, ==, 0);
        else {
            g_assert_cmpuint(c->local.protocol, ==, 17);
            g_assert_cmpuint(c->local.port, ==, 1701);
            g_assert_cmpuint(c->remote.first.family, ==, q.fqdn_id ? 0 : 4);
        }
    }
    g_assert_cmpuint(p.computed, >, 1);
    g_assert_cmpuint(p.i.children, ==, G_N_ELEMENTS(suite) * G_N_ELEMENTS(group));
    pair_done(&p);
}

/* The child is there when its second message is sent, and used after the third. */
static void
test_order(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    initiator_quick(&p.i, &q);
    pair_give(&p, reader_of(p.i.out, p.i.out_len));
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_false(p.child[0].confirmed);
    g_assert_true(p.proven);
    pair_run(&p);
    g_assert_true(p.child[0].confirmed);
    g_assert_true(p.proven);
    pair_done(&p);
}

static void
test_commit(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    q.commit = true;
    quick(&p, &q);
    g_assert_cmpuint(p.i.connected, ==, 1);
    check_child(&p, &q);
    pair_done(&p);
}

static void
test_refused(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    q.suite.esp.integrity = ESP_SHA1_96; /* not allowed here */
    quick(&p, &q);
    g_assert_cmpuint(p.i.last_notify, ==, IKE1_N_NO_PROPOSAL_CHOSEN);
    g_assert_nonnull(strstr(ike1_problem(p.k), "SHA1"));
    g_assert_cmpuint(p.ups, ==, 0);

    p.refuse_child = true;
    q = pair_quick(&p, 0);
    quick(&p, &q);
    g_assert_cmpuint(p.i.last_notify, ==, IKE1_N_INVALID_ID);

    p.refuse_child = false;
    for (unsigned n = 0; n < 20; n++) /* no slot was lost by it */
        quick(&p, &q);
    g_assert_cmpuint(p.ups, ==, 20);
    check_child(&p, &q);
    pair_done(&p);
}

/* Message 2 is lost: it comes again by itself; message 3 is: so does message 2, and then it. */
static void
test_lost(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    p.lose = 3;
    quick(&p, &q);
    g_assert_false(p.child[0].confirmed);
    pair_wait(&p, 8);
    check_child(&p, &q);
    g_assert_cmpuint(p.ups, ==, 1);

    p.lose = 100; /* for ever: the child goes, and the peer is told */
    quick(&p, &q);
    g_assert_cmpuint(p.ups, ==, 2);
    p.config.dpd_s = 0;
    pair_wait(&p, IKE1_QUICK_S);
    g_assert_cmpuint(p.downs, ==, 1);
    g_assert_false(p.child[1].up);
    g_assert_true(p.child[0].up);
    pair_done(&p);
}

/* What was recorded and comes again: no second child, and nothing said. */
static void
test_replay(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    initiator_quick(&p.i, &q);
    struct secret *one = secret_new(p.i.out, p.i.out_len);
    pair_give(&p, reader_of(one->bytes, one->len));
    GBytes *m = pair_take(&p);
    size_t n;
    const void *at = g_bytes_get_data(m, &n);
    initiator_receive(&p.i, reader_of(at, n));
    g_bytes_unref(m);
    struct secret *three = secret_new(p.i.out, p.i.out_len);
    pair_give(&p, reader_of(one->bytes, one->len)); /* a duplicate: answered, but not made twice */
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_cmpuint(g_queue_get_length(&p.to_client), ==, 1);
    g_bytes_unref(pair_take(&p));
    pair_give(&p, reader_of(three->bytes, three->len));
    g_assert_true(p.child[0].confirmed);
    unsigned sent = p.sent;
    for (unsigned i = 0; i < 5; i++) {
        pair_give(&p, reader_of(one->bytes, one->len));
        g_assert_false(p.proven);
        pair_give(&p, reader_of(three->bytes, three->len));
        g_assert_false(p.proven);
    }
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_cmpuint(p.sent, ==, sent);

    /* So much later that its id is forgotten: one that is never confirmed, and proves nothing. */
    for (unsigned i = 0; i < IKE1_IDS_MAX; i++)
        ike1_id_use(p.k, 0x70000000 + i);
    g_assert_cmpuint(p.k->n_ids, ==, IKE1_IDS_MAX);
    p.lose = 1000;
    pair_give(&p, reader_of(one->bytes, one->len));
    g_assert_false(p.proven);
    pair_give(&p, reader_of(three->bytes, three->len));
    g_assert_false(p.proven);
    g_assert_cmpuint(p.ups, ==, 2);
    g_assert_false(p.child[1].confirmed);
    pair_wait(&p, IKE1_QUICK_S);
    g_assert_false(p.child[1].up);
    g_assert_true(p.child[0].up);
    secret_free(one);
    secret_free(three);
    pair_done(&p);
}

/* All that a peer can have under way or alive is bounded. */
static void
test_bounds(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    p.lose = 100000;
    for (unsigned n = 0; n < 3 * IKE1_QUICK_MAX; n++) {
        struct initiator_quick q = pair_quick(&p, 0);
        q.spi += n;
        quick(&p, &q);
    }
    g_assert_cmpuint(p.ups, ==, IKE1_QUICK_MAX);
    g_assert_nonnull(strstr(ike1_problem(p.k), "quick modes"));
    pair_done(&p);

    pair_init(&p);
    pair_up(&p);
    for (unsigned n = 0; n < 3 * IKE1_CHILDREN_MAX; n++) {
        struct initiator_quick q = pair_quick(&p, 0);
        q.spi += n;
        quick(&p, &q);
        check_child(&p, &q); /* each new one works: an old one made way */
    }
    g_assert_cmpuint(p.ups - p.downs, ==, IKE1_CHILDREN_MAX);
    g_assert_cmpuint(p.i.deletes_esp, ==, p.downs);
    pair_done(&p);
}

/* Each bit of messages 1 and 3 of a quick mode turned: nothing changes; then the right one does. */
static void
test_bits(void)
{
    struct pair p;

    pair_init(&p);
    p.client.suite.group = 19;
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    initiator_quick(&p.i, &q);
    for (unsigned message = 1; message <= 3; message += 2) {
        size_t len = p.i.out_len;
        unsigned sent = p.sent;
        unsigned ups = p.ups;
        for (size_t bit = 0; bit < 8 * len; bit++) {
            if (bit / 8 == 19 || bit / 8 == 17) /* flags and version: more than one value does */
                continue;
            p.i.out[bit / 8] ^= (uint8_t)(1u << bit % 8);
            pair_give(&p, reader_of(p.i.out, len));
            pair_give(&p, reader_of(p.i.out, bit / 8));
            p.i.out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        /* in the last block there may be padding, which is no part of anything */
        if (p.ups == ups && p.sent == sent)
            pair_give(&p, reader_of(p.i.out, len));
        g_assert_cmpuint(p.ups, ==, 1);
        g_assert_cmpuint(p.ended, ==, 0);
        g_assert_true(ike1_is_established(p.k));
        GBytes *m = message == 1 ? pair_take(&p) : NULL;
        if (!m)
            break;
        size_t n;
        const void *at = g_bytes_get_data(m, &n);
        initiator_receive(&p.i, reader_of(at, n));
        g_bytes_unref(m);
    }
    g_assert_true(p.child[0].confirmed);
    g_assert_cmpuint(p.established, ==, 1);
    pair_done(&p);
}

/* ---- quick modes of ours ---- */

static void
test_rekey(void)
{
    static const uint16_t group[] = {0, 14};

    for (unsigned n = 0; n < 8; n++) {
        struct pair p;
        pair_init(&p);
        p.config.force_udp = n & 2;
        pair_up(&p);
        struct initiator_quick q = pair_quick(&p, group[n % 2]);
        q.ids = n & 4;
        quick(&p, &q);
        uint32_t old = p.child[0].c.spi_in;
        p.lose = 2; /* the first message comes again */
        ike1_rekey(p.k, old, p.now_us);
        ike1_rekey(p.k, old, p.now_us);
        while (p.job)
            pair_compute(&p);
        pair_run(&p);
        pair_wait(&p, 4);
        g_assert_cmpuint(p.ups, ==, 2);
        check_child(&p, &q);
        g_assert_true(p.child[0].up); /* make before break */
        g_assert_cmpmem(&p.child[1].c.local, sizeof(struct esp_selector), &p.child[0].c.local,
                        sizeof(struct esp_selector));
        g_assert_cmpmem(&p.child[1].c.remote, sizeof(struct esp_selector), &p.child[0].c.remote,
                        sizeof(struct esp_selector));
        pair_wait(&p, IKE1_CHILD_MARGIN_S + 1);
        g_assert_false(p.child[0].up);
        g_assert_true(p.child[1].up);
        g_assert_cmphex(p.i.last_deleted, ==, old);
        pair_done(&p);
    }
}

static void
test_rekey_unanswered(void)
{
    struct pair p;

    pair_init(&p);
    p.config.dpd_s = 0;
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    quick(&p, &q);
    unsigned sent = p.sent;
    p.lose = 1000;
    ike1_rekey(p.k, p.child[0].c.spi_in, p.now_us);
    pair_wait(&p, IKE1_QUICK_S);
    g_assert_cmpuint(p.sent, ==, sent + 5); /* at 0, 1, 3, 7 and 15 s */
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_true(p.child[0].up);
    p.lose = 0;
    ike1_rekey(p.k, p.child[0].c.spi_in, p.now_us);
    pair_run(&p);
    check_child(&p, &q);
    ike1_rekey(p.k, 12345, p.now_us); /* there is no such child */
    pair_done(&p);
}

static void
test_adopt(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct esp_child c = {.suite = {ESP_AES_CBC, ESP_SHA256_128, 256, false},
                          .spi_in = 777,
                          .spi_out = 888,
                          .life_s = 100,
                          .local = {.first = ip_from_v4(1), .last = ip_from_v4(1), .port = 1701},
                          .remote = {.first = ip_from_v4(2), .last = ip_from_v4(9)}};
    ike1_adopt(p.k, &c);
    ike1_adopt(p.k, &c);
    p.child[p.children++] = (struct pair_child){.c = c, .up = true, .confirmed = true};
    p.i.q.spi = 0xe0000000;
    ike1_rekey(p.k, 777, p.now_us);
    pair_run(&p);
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_cmpmem(&p.child[1].c.local, sizeof(c.local), &c.local, sizeof(c.local));
    g_assert_cmpmem(&p.child[1].c.remote, sizeof(c.local), &c.remote, sizeof(c.local));
    initiator_delete_esp(&p.i, 888);
    pair_flush(&p);
    g_assert_cmpuint(p.downs, ==, 1);
    g_assert_false(p.child[0].up);
    pair_done(&p);
}

/* ---- notices and deletes ---- */

static void
test_dpd_of_peer(void)
{
    struct pair p;

    pair_init(&p);
    p.client.vendors = 0; /* it may ask all the same */
    pair_up(&p);
    for (uint32_t seq = 5; seq < 8; seq++) {
        initiator_dpd(&p.i, IKE1_N_R_U_THERE, seq);
        pair_flush(&p);
        g_assert_cmpuint(p.i.acks, ==, seq - 4);
        g_assert_cmpuint(p.i.last_seq, ==, seq);
        g_assert_true(p.proven);
    }
    struct secret *copy = secret_new(p.i.out, 200);
    initiator_dpd(&p.i, IKE1_N_R_U_THERE, 100);
    secret_free(copy);
    copy = secret_new(p.i.out, p.i.out_len);
    pair_flush(&p);
    pair_give(&p, reader_of(copy->bytes, copy->len)); /* a replay */
    g_assert_false(p.proven);
    g_assert_cmpuint(g_queue_get_length(&p.to_client), ==, 0);
    secret_free(copy);
    pair_done(&p);
}

static void
test_dpd_of_ours(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    pair_wait(&p, 19);
    g_assert_cmpuint(p.i.questions, ==, 0);
    pair_wait(&p, 100);
    g_assert_cmpuint(p.i.questions, ==, 5); /* every 20 s, each answered at once */
    ike1_heard(p.k, p.now_us);
    pair_wait(&p, 19);
    g_assert_cmpuint(p.i.questions, ==, 5);
    p.i.answer_dpd = false;
    pair_wait(&p, 1 + 30);
    g_assert_cmpuint(p.i.questions, ==, 5 + IKE1_DPD_TRIES);
    g_assert_cmpuint(p.ended, ==, 0);
    pair_wait(&p, 20);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_DEAD);
    pair_done(&p);

    pair_init(&p); /* one that does not know of it is not asked */
    p.client.vendors = IKE1_VENDOR_NATT_RFC;
    pair_up(&p);
    pair_wait(&p, 1000);
    g_assert_cmpuint(p.i.questions, ==, 0);
    g_assert_cmpuint(p.ended, ==, 0);
    pair_done(&p);
}

static void
test_deletes(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    quick(&p, &q);
    q.spi = 0xd0000000;
    quick(&p, &q);
    initiator_delete_esp(&p.i, 0x12345678);
    pair_flush(&p);
    g_assert_cmpuint(p.downs, ==, 0);
    initiator_delete_esp(&p.i, 0xc0000000);
    pair_flush(&p);
    g_assert_cmpuint(p.downs, ==, 1);
    g_assert_false(p.child[0].up);

    ike1_delete_child(p.k, p.child[1].c.spi_in, p.now_us); /* the owner's own doing */
    pair_run(&p);
    g_assert_cmpuint(p.i.deletes_esp, ==, 1);
    g_assert_cmphex(p.i.last_deleted, ==, p.child[1].c.spi_in);
    g_assert_cmpuint(p.downs, ==, 1);
    unsigned sent = p.sent;
    pair_wait(&p, 10);
    g_assert_cmpuint(p.sent, ==, sent + IKE1_REPEATS);

    quick(&p, &q);
    initiator_delete_sa(&p.i);
    pair_flush(&p);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_DELETED);
    g_assert_cmpuint(p.downs, ==, 1); /* children stay */
    pair_done(&p);
}

static void
test_close(void)
{
    for (unsigned children = 0; children < 2; children++) {
        struct pair p;
        pair_init(&p);
        pair_up(&p);
        struct initiator_quick q = pair_quick(&p, 0);
        quick(&p, &q);
        ike1_close(p.k, children, p.now_us);
        g_assert_cmpuint(p.ended, ==, 1);
        g_assert_cmpint(p.why, ==, IKE1_END_CLOSED);
        pair_run(&p);
        g_assert_cmpuint(p.i.deletes_sa, ==, 1);
        g_assert_cmpuint(p.i.deletes_esp, ==, children);
        g_assert_cmpuint(p.downs, ==, 0);
        ike1_close(p.k, true, p.now_us);
        quick(&p, &q);
        g_assert_cmpuint(p.ended, ==, 1);
        g_assert_cmpuint(p.ups, ==, 1);
        pair_done(&p);
    }
}

static void
test_contact_and_lifetime_notices(void)
{
    static const uint8_t contact[] = {0, 0, 0, 1, 1, 0, 0x60, 0x02};
    static const uint8_t lifetime[] = {0, 0, 0, 1, 3, 0, 0x60, 0x00, 0x80, 1, 0, 1};
    static const uint8_t error[] = {0, 0, 0, 1, 3, 0, 0, 14};
    static const uint8_t cut[] = {0, 0, 0, 1, 1, 16, 0x8d};
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    g_assert_cmpuint(p.contacts, ==, 0);
    for (unsigned n = 0; n < 3; n++) {
        initiator_info(&p.i, ISAKMP_NOTIFY, contact, sizeof(contact));
        pair_flush(&p);
        initiator_info(&p.i, ISAKMP_NOTIFY, lifetime, sizeof(lifetime));
        pair_flush(&p);
        initiator_info(&p.i, ISAKMP_NOTIFY, cut, sizeof(cut));
        pair_flush(&p);
        initiator_info(&p.i, ISAKMP_DELETE, cut, sizeof(cut));
        pair_flush(&p);
    }
    g_assert_cmpuint(p.contacts, ==, 1);
    initiator_info(&p.i, ISAKMP_NOTIFY, error, sizeof(error));
    pair_flush(&p);
    g_assert_nonnull(strstr(ike1_problem(p.k), "NO-PROPOSAL-CHOSEN"));
    g_assert_true(ike1_is_established(p.k));
    pair_done(&p);
}

/* The peer cannot use what we answered, and says so: the child goes, and message 2 comes no more.
 */
static void
test_given_up_by_peer(void)
{
    uint8_t error[] = {0, 0, 0, 1, 3, 4, 0, 14, 0xc0, 0, 0, 1};
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    initiator_quick(&p.i, &q);
    pair_give(&p, reader_of(p.i.out, p.i.out_len));
    g_bytes_unref(pair_take(&p));
    for (unsigned n = 0; n < 2; n++) { /* another one's SPI first */
        initiator_info(&p.i, ISAKMP_NOTIFY, error, sizeof(error));
        pair_flush(&p);
        g_assert_cmpuint(p.downs, ==, n);
        error[11] = 0;
    }
    unsigned sent = p.sent;
    pair_wait(&p, 10);
    g_assert_cmpuint(p.sent, ==, sent);
    pair_done(&p);
}

/* A wrong hash: nothing is believed. */
static void
test_wrong_hash(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    p.i.keys.a[0] ^= 1;
    initiator_delete_sa(&p.i);
    pair_flush(&p);
    g_assert_false(p.proven);
    g_assert_cmpuint(p.ended, ==, 0);
    initiator_dpd(&p.i, IKE1_N_R_U_THERE, 9);
    pair_flush(&p);
    g_assert_cmpuint(p.i.acks, ==, 0);
    g_assert_cmpuint(p.k->n_ids, ==, 0);
    pair_done(&p);
}

/* ---- lifetimes ---- */

static void
test_lifetimes(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    struct initiator_quick q = pair_quick(&p, 0);
    q.suite.life_s = 600;
    quick(&p, &q);
    pair_wait(&p, 600);
    g_assert_true(p.child[0].up);
    pair_wait(&p, IKE1_CHILD_MARGIN_S + 1);
    g_assert_false(p.child[0].up);
    g_assert_cmphex(p.i.last_deleted, ==, p.child[0].c.spi_in);
    g_assert_cmpuint(p.ended, ==, 0);
    pair_wait(&p, 3600 - 600 - IKE1_CHILD_MARGIN_S - 1);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_EXPIRED);
    g_assert_cmpuint(p.i.deletes_sa, ==, 1);
    pair_done(&p);

    pair_init(&p); /* longer than we want */
    p.client.suite.life_s = 10 * 86400;
    p.client.vendors = 0;
    pair_up(&p);
    pair_wait(&p, IKE1_LIFE_MAX_S + 1);
    g_assert_cmpint(p.why, ==, IKE1_END_EXPIRED);
    g_assert_cmpuint(p.ended, ==, 1);
    pair_done(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike1-quick/all", test_quick);
    g_test_add_func("/ike1-quick/order", test_order);
    g_test_add_func("/ike1-quick/commit", test_commit);
    g_test_add_func("/ike1-quick/refused", test_refused);
    g_test_add_func("/ike1-quick/lost", test_lost);
    g_test_add_func("/ike1-quick/replay", test_replay);
    g_test_add_func("/ike1-quick/bounds", test_bounds);
    g_test_add_func("/ike1-quick/bits", test_bits);
    g_test_add_func("/ike1-quick/rekey", test_rekey);
    g_test_add_func("/ike1-quick/rekey-unanswered", test_rekey_unanswered);
    g_test_add_func("/ike1-quick/adopt", test_adopt);
    g_test_add_func("/ike1-quick/dpd-of-peer", test_dpd_of_peer);
    g_test_add_func("/ike1-quick/dpd-of-ours", test_dpd_of_ours);
    g_test_add_func("/ike1-quick/deletes", test_deletes);
    g_test_add_func("/ike1-quick/close", test_close);
    g_test_add_func("/ike1-quick/notices", test_contact_and_lifetime_notices);
    g_test_add_func("/ike1-quick/given-up-by-peer", test_given_up_by_peer);
    g_test_add_func("/ike1-quick/wrong-hash", test_wrong_hash);
    g_test_add_func("/ike1-quick/lifetimes", test_lifetimes);
    return g_test_run();
}
