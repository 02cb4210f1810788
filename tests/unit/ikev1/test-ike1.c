/* SPDX-License-Identifier: Apache-2.0 */
/* Phase 1: all groups, hashes and ciphers, keys, NAT, what is lost and what comes twice. */

#include "core/crypto/cert.h"
#include "tests/unit/ikev1/issue.h"
#include "tests/unit/ikev1/pair.h"

#define US INT64_C(1000000)

/* ---- main mode ---- */

static void
try_suite(struct ike1_suite s, bool aggressive)
{
    struct pair p;

    pair_init(&p);
    p.client.suite = s;
    p.client.suite.auth = IKE1_PSK;
    p.client.suite.life_s = 3600;
    p.client.aggressive = aggressive;
    p.aggressive_psk = "secret";
    p.config.weak = IKE1_WEAK_3DES | IKE1_WEAK_MD5 | IKE1_WEAK_MODP1024 | IKE1_WEAK_SHA1;
    pair_up(&p);
    char want[96];
    ike1_suite_print(&p.client.suite, want, sizeof(want));
    g_assert_cmpstr(ike1_agreed(p.k), ==, want);
    struct initiator_quick q = pair_quick(&p, 0);
    initiator_quick(&p.i, &q);
    pair_flush(&p);
    g_assert_cmpuint(p.ups, ==, 1);
    g_assert_true(p.child[0].confirmed);
    pair_done(&p);
}

static void
test_suites(void)
{
    static const uint16_t group[] = {2, 5, 14, 15, 16, 19, 20, 21};

    for (unsigned h = 0; h < IKE1_N_HASHES; h++) {
        for (unsigned bits = 128; bits <= 256; bits += 64)
            for (unsigned a = 0; a < 2; a++)
                try_suite((struct ike1_suite){IKE1_AES_CBC, bits, (enum ike1_hash)h, 1, 19, 0},
                          a > 0);
        try_suite((struct ike1_suite){IKE1_3DES_CBC, 192, (enum ike1_hash)h, 1, 19, 0}, false);
    }
    for (size_t g = 0; g < G_N_ELEMENTS(group); g++)
        for (unsigned a = 0; a < 2; a++)
            try_suite((struct ike1_suite){IKE1_AES_CBC, 256, IKE1_SHA256, 1, group[g], 0}, a > 0);
}

static void
test_wrong_key(void)
{
    struct pair p;

    pair_init(&p);
    p.client.psk = "wrong";
    pair_start(&p);
    g_assert_false(ike1_is_established(p.k));
    g_assert_cmpuint(p.ended, ==, 0);
    g_assert_nonnull(strstr(ike1_problem(p.k), "pre-shared key is wrong: message 5"));
    unsigned sent = p.sent;
    pair_wait(&p, 4);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_WRONG_KEY);
    g_assert_cmpuint(p.sent, ==, sent);
    g_assert_cmpint(ike1_deadline(p.k), ==, 0);
    pair_done(&p);
}

static void
test_no_key(void)
{
    struct pair p;

    pair_init(&p);
    p.psk[0] = NULL;
    pair_start(&p);
    g_assert_nonnull(strstr(ike1_problem(p.k), "no pre-shared key"));
    pair_wait(&p, 4);
    g_assert_cmpint(p.why, ==, IKE1_END_WRONG_KEY);
    pair_done(&p);
}

static void
test_many_keys(void)
{
    struct pair p;

    pair_init(&p);
    for (unsigned n = 0; n < PAIR_PSKS; n++)
        p.psk[n] = "another";
    p.psk[5] = "secret";
    p.client.initial_contact = true;
    pair_up(&p);
    g_assert_true(p.tag == (const void *)p.psk[5]);
    g_assert_cmpstr(p.id.text, ==, "198.51.100.7");
    g_assert_cmpuint(p.contacts, ==, 1);
    pair_done(&p);
}

static void
test_refused(void)
{
    struct pair p;

    pair_init(&p);
    p.refuse_peer = true;
    pair_start(&p);
    g_assert_cmpuint(p.established, ==, 1);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_REFUSED);
    g_assert_false(p.i.up);
    pair_done(&p);
}

static void
test_no_proposal(void)
{
    struct pair p;

    pair_init(&p);
    p.client.suite.group = 2;
    p.client.suite.hash = IKE1_SHA1;
    pair_begin(&p);
    g_assert_nonnull(p.k);
    g_assert_cmpuint(p.sent, ==, 1);
    g_assert_cmpuint(p.ended, ==, 0);
    g_assert_nonnull(strstr(ike1_problem(p.k), "--weak sha1,modp1024"));
    pair_run(&p);
    g_assert_cmpuint(p.i.last_notify, ==, IKE1_N_NO_PROPOSAL_CHOSEN);
    pair_wait(&p, 0);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_NO_PROPOSAL);
    pair_done(&p);
}

/* What the administrator is told to set is the whole list, as the option takes it: what he allows
 * already is in it. */
static void
test_what_to_allow(void)
{
    struct pair p;

    pair_init(&p);
    p.config.weak = IKE1_WEAK_SHA1;
    p.client.suite.group = 2;
    p.client.suite.hash = IKE1_SHA256;
    pair_begin(&p);
    g_assert_nonnull(p.k);
    g_assert_nonnull(strstr(ike1_problem(p.k), "would need: modp1024"));
    g_assert_nonnull(strstr(ike1_problem(p.k), "--weak sha1,modp1024"));
    pair_done(&p);
}

/* The first answer is never longer than what it answers, whatever vendors there are. */
static void
test_no_amplification(void)
{
    for (unsigned vendors = 0; vendors < 8192; vendors += 7) {
        struct pair p;
        pair_init(&p);
        p.client.vendors = vendors;
        pair_begin(&p);
        g_assert_nonnull(p.k);
        g_assert_cmpuint(p.sent, ==, 1);
        g_assert_cmpuint(p.longest, <=, p.k->first_len);
        g_assert_cmpuint(p.computed, ==, 0);
        pair_done(&p);
    }
}

static void
test_timeout(void)
{
    struct pair p;

    pair_init(&p);
    pair_begin(&p);
    pair_wait(&p, IKE1_NEGOTIATION_S + 1);
    g_assert_cmpuint(p.ended, ==, 1);
    g_assert_cmpint(p.why, ==, IKE1_END_TIMEOUT);
    g_assert_cmpuint(p.sent, ==, 1);
    pair_done(&p);
}

/* ---- NAT ---- */

struct nat_case {
    unsigned vendors;
    bool force, client_nat, server_nat;
    bool natt, udp;
};

static void
test_nat(void)
{
    const unsigned rfc = IKE1_VENDOR_NATT_RFC;
    const unsigned d2 = IKE1_VENDOR_NATT_DRAFT02;
    const struct nat_case cases[] = {
        {rfc, false, false, false, true, false},
        {rfc, true, false, false, true, true},
        {rfc, false, true, false, true, true},
        {rfc, false, false, true, true, true},
        {rfc | d2, true, true, true, true, true},
        {d2, false, true, false, true, true},
        {IKE1_VENDOR_NATT_DRAFT02N, true, false, false, true, true},
        {IKE1_VENDOR_NATT_DRAFT03, false, false, false, true, false},
        {0, true, true, true, false, false},
    };

    for (size_t n = 0; n < 2 * G_N_ELEMENTS(cases); n++) {
        const struct nat_case *c = &cases[n / 2];
        struct pair p;
        bool peer;
        bool we;
        pair_init(&p);
        p.client.aggressive = n % 2;
        p.aggressive_psk = "secret";
        p.client.vendors = c->vendors;
        p.config.force_udp = c->force;
        if (c->client_nat) {
            p.seen.ip = ip_from_v4(0x01020304);
            p.seen.port = 40000;
        }
        if (c->server_nat)
            p.client.peer.ip = ip_from_v4(0x05060708);
        pair_up(&p);
        g_assert_cmpint(ike1_nat(p.k, &peer, &we), ==, c->natt);
        g_assert_cmpint(peer, ==, c->natt && c->client_nat);
        g_assert_cmpint(we, ==, c->natt && c->server_nat);
        g_assert_cmpint(p.k->udp, ==, c->udp);
        g_assert_cmpint(p.i.has_nat_d, ==, c->natt);
        g_assert_cmpint(p.i.nat_of_us, ==, c->natt && c->client_nat);
        g_assert_cmpint(p.i.nat_of_peer, ==, c->natt && (c->server_nat || c->force));
        struct initiator_quick q = pair_quick(&p, 0);
        initiator_quick(&p.i, &q);
        pair_flush(&p);
        g_assert_cmpuint(p.ups, ==, 1);
        g_assert_cmpint(p.child[0].c.udp, ==, c->udp);
        pair_done(&p);
    }
}

/* ---- RSA ---- */

static void
test_rsa(void)
{
    X509 *ours = NULL;
    X509 *its = NULL;
    EVP_PKEY *our_key = NULL;
    EVP_PKEY *its_key = NULL;
    EVP_PKEY *root_key = NULL;
    EVP_PKEY *between_key = NULL;
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *root = issue("root", true, 30, NULL, NULL, &root_key);
    X509 *between = issue("between", true, 30, root, root_key, &between_key);

    g_assert_true(cert_make_self_signed("server.example", 1, &ours, &our_key, NULL));
    g_assert_true(cert_make_self_signed("client.example", 1, &its, &its_key, NULL));
    g_assert_cmpint(sk_X509_push(chain, root), ==, 1); /* is not sent */
    g_assert_cmpint(sk_X509_push(chain, between), ==, 2);
    for (unsigned n = 0; n < 6; n++) {
        struct pair p;
        pair_init(&p);
        p.config.cert = ours;
        p.config.key = our_key;
        p.config.chain = n == 4 ? chain : NULL;
        p.client.suite.auth = IKE1_RSA;
        p.client.cert = its;
        p.client.key = n == 1 ? our_key : its_key;
        p.distrust = n == 2;
        if (n == 3)
            p.client.fqdn = "other.example";
        if (n == 4)
            p.client.fqdn = "client.example";
        p.client.no_cert_request = n == 5;
        bool good = n == 0 || n >= 4;
        pair_start(&p);
        g_assert_cmpint(ike1_is_established(p.k), ==, good);
        g_assert_cmpint(p.i.up, ==, good);
        g_assert_cmpint(p.had_cert, ==, good);
        if (n == 1)
            g_assert_nonnull(strstr(ike1_problem(p.k), "signature"));
        if (n == 2) {
            g_assert_nonnull(strstr(ike1_problem(p.k), "trusted"));
            g_assert_cmpint(p.why, ==, IKE1_END_REFUSED);
        }
        if (n == 3)
            g_assert_nonnull(strstr(ike1_problem(p.k), "names its identity"));
        if (good)
            g_assert_cmpuint(p.i.peer_certs, ==, n == 5 ? 0 : n == 4 ? 2 : 1);
        if (n == 0) {
            g_assert_cmpstr(p.id.text, ==, "CN=client.example");
            g_assert_cmpint(X509_cmp(p.i.peer_cert, ours), ==, 0);
        }
        g_assert_null(p.tag);
        pair_done(&p);
    }
    X509_free(ours);
    X509_free(its);
    EVP_PKEY_free(our_key);
    EVP_PKEY_free(its_key);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(between_key);
    sk_X509_pop_free(chain, X509_free);
}

static void
test_rsa_without_cert(void)
{
    struct pair p;

    pair_init(&p);
    p.client.suite.auth = IKE1_RSA;
    pair_start(&p);
    pair_wait(&p, 0);
    g_assert_cmpint(p.why, ==, IKE1_END_NO_PROPOSAL);
    pair_done(&p);
}

/* ---- aggressive mode ---- */

static void
test_aggressive(void)
{
    struct pair p;

    for (unsigned clear = 0; clear < 2; clear++) {
        pair_init(&p);
        p.client.aggressive = true;
        p.client.clear_3 = clear > 0;
        p.client.fqdn = "router.example";
        p.aggressive_psk = "secret";
        pair_up(&p);
        g_assert_cmpstr(p.id.text, ==, "router.example");
        g_assert_true(p.tag == (const void *)p.aggressive_psk);
        pair_done(&p);
    }
    pair_init(&p); /* nobody allowed it */
    p.client.aggressive = true;
    pair_start(&p);
    g_assert_cmpuint(p.sent, ==, 0);
    g_assert_cmpuint(p.computed, ==, 0);
    pair_wait(&p, 0);
    g_assert_cmpint(p.why, ==, IKE1_END_WRONG_KEY);
    g_assert_nonnull(strstr(ike1_problem(p.k), "aggressive mode"));
    pair_done(&p);

    pair_init(&p);
    p.client.aggressive = true;
    p.client.psk = "wrong";
    p.aggressive_psk = "secret";
    pair_start(&p);
    g_assert_true(p.i.failed);
    pair_wait(&p, IKE1_NEGOTIATION_S);
    g_assert_cmpint(p.why, ==, IKE1_END_TIMEOUT);
    pair_done(&p);
}

/* ---- what is lost, and what comes twice ---- */

/* Whatever answer is lost: the client's message comes again, and the answer with it. */
static void
test_lost(void)
{
    for (unsigned lost = 0; lost < 3; lost++) {
        struct pair p;
        pair_init(&p);
        pair_begin(&p);
        uint8_t last[4096];
        size_t len = 0;
        memcpy(last, p.i.out, 1000);
        struct reader first = reader_of(p.i.out, p.k->first_len);
        len = first.left;
        for (unsigned step = 0; step < 3; step++) {
            GBytes *m = pair_take(&p);
            g_assert_nonnull(m);
            if (step == lost) {
                g_bytes_unref(m);
                pair_give(&p, reader_of(last, len));
                m = pair_take(&p);
                g_assert_nonnull(m);
            }
            size_t n;
            const void *at = g_bytes_get_data(m, &n);
            initiator_receive(&p.i, reader_of(at, n));
            g_bytes_unref(m);
            len = p.i.out_len;
            memcpy(last, p.i.out, len);
            if (len > 0)
                pair_give(&p, reader_of(last, len));
        }
        g_assert_true(p.i.up);
        g_assert_cmpuint(p.computed, ==, 1);
        g_assert_cmpuint(p.established, ==, 1);
        pair_done(&p);
    }
}

static void
test_duplicates_end(void)
{
    struct pair p;

    pair_init(&p);
    pair_begin(&p);
    struct secret *first = secret_new(p.i.out, p.k->first_len);
    for (unsigned n = 0; n < 50; n++)
        pair_give(&p, reader_of(first->bytes, first->len));
    g_assert_cmpuint(p.sent, ==, 1 + IKE1_RESENDS_MAX);
    secret_free(first);
    pair_done(&p);
}

/* While the job is out, nothing is answered and nothing computed again. */
static void
test_computing(void)
{
    struct pair p;

    pair_init(&p);
    pair_begin(&p);
    p.hold_jobs = true;
    pair_run(&p);
    g_assert_nonnull(p.job);
    unsigned sent = p.sent;
    struct ike1_dh *job = p.job;
    for (unsigned n = 0; n < 5; n++)
        pair_give(&p, reader_of(p.i.out, 300));
    g_assert_true(p.job == job);
    g_assert_cmpuint(p.sent, ==, sent);
    p.hold_jobs = false;
    pair_compute(&p);
    pair_run(&p);
    g_assert_true(p.i.up);
    pair_done(&p);

    pair_init(&p); /* it ends meanwhile */
    pair_begin(&p);
    p.hold_jobs = true;
    pair_run(&p);
    pair_wait(&p, IKE1_NEGOTIATION_S);
    g_assert_cmpint(p.why, ==, IKE1_END_TIMEOUT);
    pair_compute(&p);
    g_assert_cmpuint(p.ended, ==, 1);
    pair_done(&p);
}

/* ---- malformed ---- */

/* Each bit of message 5 turned: nobody gets in, and the right message does afterwards. */
static void
test_bits_of_5(void)
{
    struct pair p;

    for (size_t bit = 0; bit < 8 * 400; bit += 3) {
        pair_init(&p);
        p.client.suite.group = 19;
        pair_begin(&p);
        while (p.i.sent_first < 5) {
            GBytes *m = pair_take(&p);
            size_t n;
            const void *at = g_bytes_get_data(m, &n);
            initiator_receive(&p.i, reader_of(at, n));
            g_bytes_unref(m);
            if (p.i.sent_first < 5)
                pair_give(&p, reader_of(p.i.out, p.i.out_len));
        }
        size_t len = p.i.out_len;
        if (bit >= 8 * len) {
            pair_done(&p);
            break;
        }
        p.i.out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        pair_give(&p, reader_of(p.i.out, len));
        bool up = ike1_is_established(p.k);
        /* of the header: reserved bits of version and flags; of the ciphertext: padding */
        if (up)
            g_assert_true(bit / 8 < ISAKMP_HEADER || bit / 8 >= len - 16);
        p.i.out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        pair_give(&p, reader_of(p.i.out, len));
        g_assert_true(ike1_is_established(p.k));
        g_assert_cmpuint(p.established, ==, 1);
        pair_done(&p);
    }
}

/* Bits of messages 1 and 3, and each of them cut: no crash, and never established. */
static void
test_bits_of_1(void)
{
    struct pair p;

    for (size_t bit = 0; bit < 8 * 200; bit++) {
        pair_init(&p);
        p.client.suite.group = 19;
        p.turn_bit = bit + 1;
        pair_start(&p);
        if (p.k)
            g_assert_cmpuint(p.sent, <=, 3);
        pair_wait(&p, IKE1_NEGOTIATION_S);
        g_assert_cmpuint(p.ended, ==, p.k && !p.i.up);
        pair_done(&p);
    }
}

static void
test_bits_of_3(void)
{
    struct pair p;

    for (size_t bit = 0;; bit += 5) {
        pair_init(&p);
        p.client.suite.group = 19;
        pair_begin(&p);
        GBytes *m = pair_take(&p);
        size_t n;
        const void *at = g_bytes_get_data(m, &n);
        initiator_receive(&p.i, reader_of(at, n));
        g_bytes_unref(m);
        size_t len = p.i.out_len;
        if (bit >= 8 * len) {
            pair_done(&p);
            break;
        }
        p.i.out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        pair_give(&p, reader_of(p.i.out, bit / 8));
        pair_give(&p, reader_of(p.i.out, len));
        g_assert_false(ike1_is_established(p.k));
        g_assert_cmpuint(p.computed, <=, 1);
        g_assert_cmpuint(p.ended, ==, 0);
        pair_done(&p);
    }
}

static void
test_not_ike(void)
{
    static const uint8_t zero[64];
    struct ike1_config c = {0};
    static const struct ike1_ops none;

    for (size_t n = 0; n <= sizeof(zero); n++)
        g_assert_null(ike1_new(&c, &none, NULL, reader_of(zero, n), 1));
}

/* A transaction exchange is told of, and notices in clear change nothing. */
static void
test_not_spoken(void)
{
    struct pair p;

    pair_init(&p);
    pair_up(&p);
    initiator_raw(&p.i, ISAKMP_TRANSACTION, 77, ISAKMP_NONE, reader_of("", 0));
    pair_flush(&p);
    g_assert_nonnull(strstr(ike1_problem(p.k), "XAUTH"));
    initiator_delete_sa(&p.i);
    p.i.out[19] = 0; /* flags: not encrypted */
    pair_flush(&p);
    g_assert_true(ike1_is_established(p.k));
    pair_done(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike1/suites", test_suites);
    g_test_add_func("/ike1/wrong-key", test_wrong_key);
    g_test_add_func("/ike1/no-key", test_no_key);
    g_test_add_func("/ike1/many-keys", test_many_keys);
    g_test_add_func("/ike1/refused", test_refused);
    g_test_add_func("/ike1/no-proposal", test_no_proposal);
    g_test_add_func("/ike1/what-to-allow", test_what_to_allow);
    g_test_add_func("/ike1/no-amplification", test_no_amplification);
    g_test_add_func("/ike1/timeout", test_timeout);
    g_test_add_func("/ike1/nat", test_nat);
    g_test_add_func("/ike1/rsa", test_rsa);
    g_test_add_func("/ike1/rsa-without-cert", test_rsa_without_cert);
    g_test_add_func("/ike1/aggressive", test_aggressive);
    g_test_add_func("/ike1/lost", test_lost);
    g_test_add_func("/ike1/duplicates-end", test_duplicates_end);
    g_test_add_func("/ike1/computing", test_computing);
    g_test_add_func("/ike1/bits-of-5", test_bits_of_5);
    g_test_add_func("/ike1/bits-of-1", test_bits_of_1);
    g_test_add_func("/ike1/bits-of-3", test_bits_of_3);
    g_test_add_func("/ike1/not-ike", test_not_ike);
    g_test_add_func("/ike1/not-spoken", test_not_spoken);
    return g_test_run();
}
