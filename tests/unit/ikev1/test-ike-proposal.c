/* SPDX-License-Identifier: Apache-2.0 */
/* test-ike-proposal.c - what is taken of what real clients offer, and of what nobody should. */

#include "core/proto/ikev1/keys.h"
#include "tests/unit/ikev1/hex.h"
#include "tests/unit/ikev1/offer.h"

#include <glib.h>

#include <string.h>

enum {
    W_SHA1 = IKE1_WEAK_SHA1,
    W_MODP1024 = IKE1_WEAK_MODP1024,
    W_TDES = IKE1_WEAK_3DES,
    W_MD5 = IKE1_WEAK_MD5,
    ALL = W_SHA1 | W_MODP1024 | W_TDES | W_MD5,
    BY_PSK = 1 << IKE1_PSK,
    BY_RSA = 1 << IKE1_RSA,
};

static const struct offer_style plain = {.mode = IKE1_UDP_TRANSPORT};

/* ---- real clients ---- */

struct client {
    const char *name;
    const char *phase1, *esp;
    struct offer_style style;
    /* What is taken: by default, with all that is weak, without anything weak. NULL: refused. */
    const char *suite[3], *child[3];
    unsigned need1, need2; /* besides SHA-1, for what is refused by default */
    uint16_t pfs;
};

#define WINDOWS                                                                      \
    "AES256-SHA1-ECP384 AES128-SHA1-ECP256 AES256-SHA1-MODP2048 3DES-SHA1-MODP2048 " \
    "3DES-SHA1-MODP1024"
#define APPLE                                                                                 \
    "AES256-SHA256-MODP2048 AES256-SHA1-MODP2048 AES256-MD5-MODP2048 AES256-SHA512-MODP2048 " \
    "AES256-SHA256-MODP1536 AES256-SHA1-MODP1536 AES256-MD5-MODP1536 AES256-SHA256-MODP1024 " \
    "AES256-SHA1-MODP1024 AES256-MD5-MODP1024 AES128-SHA1-MODP1024 AES128-MD5-MODP1024 "      \
    "3DES-SHA1-MODP1024 3DES-MD5-MODP1024"
#define ANDROID6                                                                                 \
    "AES256-SHA384-MODP1024 AES256-SHA256-MODP1024 AES256-SHA512-MODP1024 AES256-SHA1-MODP1024 " \
    "AES256-MD5-MODP1024 AES128-SHA256-MODP1024 AES128-SHA1-MODP1024 AES128-MD5-MODP1024 "       \
    "3DES-SHA256-MODP1024 3DES-SHA1-MODP1024 3DES-MD5-MODP1024 DES-SHA256-MODP1024 "             \
    "DES-SHA1-MODP1024 DES-MD5-MODP1024"
#define ANDROID4                                                                         \
    "AES256-SHA1-MODP1024 AES256-MD5-MODP1024 AES128-SHA1-MODP1024 AES128-MD5-MODP1024 " \
    "3DES-SHA1-MODP1024 3DES-MD5-MODP1024 DES-SHA1-MODP1024 DES-MD5-MODP1024"
#define NMTP                                                                                     \
    "AES256-SHA256-MODP2048 AES256-SHA256-MODP1536 AES256-SHA256-MODP1024 AES256-SHA1-MODP2048 " \
    "AES256-SHA1-MODP1536 AES256-SHA1-MODP1024 AES256-SHA1-ECP384 AES128-SHA1-MODP1024 "         \
    "AES128-SHA1-ECP256 3DES-SHA1-MODP2048 3DES-SHA1-MODP1024"
#define LIBRESWAN                                                                              \
    "AES256-SHA256-MODP2048 AES256-SHA256-MODP1536 AES256-SHA256-ECP256 AES256-SHA256-X25519 " \
    "AES256-SHA512-MODP2048 AES256-SHA1-MODP2048 AES128-SHA256-MODP2048 AES128-SHA1-MODP2048 " \
    "3DES-SHA1-MODP2048 3DES-SHA1-MODP1536"

static const struct client clients[] = {
    {.name = "Windows 7",
     .phase1 = WINDOWS,
     .esp = "AES256-SHA1|AES128-SHA1|3DES-SHA1|DES-SHA1|NULL-SHA1",
     .style = {.mode = IKE1_UDP_TRANSPORT, .long_life = true, .kilobytes = true},
     .suite = {"AES-256-CBC, SHA1, ECP384", "AES-256-CBC, SHA1, ECP384", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL}},
    {.name = "Windows 8, 10, 11, no NAT",
     .phase1 = WINDOWS,
     .esp = "AES256-SHA1|AES128-SHA1|3DES-SHA1|DES-SHA1|NULL-SHA1",
     .style = {.mode = IKE1_TRANSPORT, .long_life = true, .kilobytes = true},
     .suite = {"AES-256-CBC, SHA1, ECP384", "AES-256-CBC, SHA1, ECP384", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL}},
    {.name = "macOS 10.6 to 10.10, iOS 3 to 8",
     .phase1 = "AES256-SHA1-MODP1024 AES128-SHA1-MODP1024 AES256-MD5-MODP1024 "
               "AES128-MD5-MODP1024 3DES-SHA1-MODP1024 3DES-MD5-MODP1024",
     .esp = "AES256-SHA1 AES256-MD5 AES128-SHA1 AES128-MD5 3DES-SHA1 3DES-MD5",
     .style = {.mode = IKE1_DRAFT_TRANSPORT},
     .suite = {NULL, "AES-256-CBC, SHA1, MODP1024", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL},
     .need1 = W_MODP1024},
    {.name = "macOS 10.11 and later, iOS 9 to 13",
     .phase1 = APPLE,
     .esp = "AES256-SHA1 AES256-MD5 AES128-SHA1 AES128-MD5 3DES-SHA1 3DES-MD5",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {"AES-256-CBC, SHA2-256, MODP2048", "AES-256-CBC, SHA2-256, MODP2048",
               "AES-256-CBC, SHA2-256, MODP2048"},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL}},
    {.name = "macOS 11 and later, iOS 14 and later",
     .phase1 = APPLE,
     .esp = "AES256-SHA256 AES256-SHA1 AES256-MD5 AES128-SHA256 AES128-SHA1 AES128-MD5 3DES-SHA1",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {"AES-256-CBC, SHA2-256, MODP2048", "AES-256-CBC, SHA2-256, MODP2048",
               "AES-256-CBC, SHA2-256, MODP2048"},
     .child = {"AES-256-CBC-SHA256", "AES-256-CBC-SHA256", "AES-256-CBC-SHA256"}},
    {.name = "Android 2 and 3",
     .phase1 = "3DES-SHA1-MODP1024 3DES-MD5-MODP1024 DES-SHA1-MODP1024 DES-MD5-MODP1024 "
               "AES128-SHA1-MODP1024 AES128-MD5-MODP1024",
     .esp = "3DES-SHA1 3DES-MD5 DES-SHA1 DES-MD5 AES128-SHA1 AES128-MD5",
     .style = {.mode = IKE1_DRAFT_TRANSPORT},
     .suite = {NULL, "AES-128-CBC, SHA1, MODP1024", NULL},
     .child = {"AES-128-CBC-SHA1", "AES-128-CBC-SHA1", NULL},
     .need1 = W_MODP1024},
    {.name = "Android 4 and 5",
     .phase1 = ANDROID4,
     .esp = "AES256-SHA1 AES256-MD5 AES128-SHA1 AES128-MD5 3DES-SHA1 3DES-MD5 DES-SHA1 DES-MD5",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {NULL, "AES-256-CBC, SHA1, MODP1024", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL},
     .need1 = W_MODP1024},
    {.name = "Android 6 to 11",
     .phase1 = ANDROID6,
     .esp = "AES256-SHA512 AES256-SHA384 AES256-SHA256 AES256-SHA1 AES256-MD5 AES128-SHA512 "
            "AES128-SHA384 AES128-SHA256 AES128-SHA1 AES128-MD5 3DES-SHA512 3DES-SHA1 DES-SHA1",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {NULL, "AES-256-CBC, SHA2-384, MODP1024", NULL},
     .child = {"AES-256-CBC-SHA512", "AES-256-CBC-SHA512", "AES-256-CBC-SHA512"},
     .need1 = W_MODP1024},
    {.name = "Chrome OS, long ago",
     .phase1 = "3DES-SHA1-MODP1024",
     .esp = "AES128-SHA1 3DES-SHA1 AES128-MD5 3DES-MD5",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {NULL, "3DES-CBC, SHA1, MODP1024", NULL},
     .child = {"AES-128-CBC-SHA1", "AES-128-CBC-SHA1", NULL},
     .need1 = W_MODP1024 | W_TDES},
    {.name = "Chrome OS",
     .phase1 = "AES128-SHA256-MODP3072 AES128-SHA1-MODP2048 3DES-SHA1-MODP1536 "
               "3DES-SHA1-MODP1024",
     .esp = "GCM128|AES128-SHA256|AES128-SHA1|3DES-SHA1|AES128-MD5|3DES-MD5",
     .style = {.mode = IKE1_UDP_TRANSPORT},
     .suite = {"AES-128-CBC, SHA2-256, MODP3072", "AES-128-CBC, SHA2-256, MODP3072",
               "AES-128-CBC, SHA2-256, MODP3072"},
     .child = {"AES-128-GCM", "AES-128-GCM", "AES-128-GCM"}},
    {.name = "NetworkManager-l2tp",
     .phase1 = NMTP,
     .esp = "AES256-SHA1 AES128-SHA1 3DES-SHA1",
     .style = {.mode = IKE1_UDP_TRANSPORT, .long_life = true},
     .suite = {"AES-256-CBC, SHA2-256, MODP2048", "AES-256-CBC, SHA2-256, MODP2048",
               "AES-256-CBC, SHA2-256, MODP2048"},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL}},
    {.name = "libreswan",
     .phase1 = LIBRESWAN,
     .esp = "AES128-SHA1 GCM128 GCM256 AES256-SHA512 AES128-SHA512 AES256-SHA256 3DES-SHA1",
     .style = {.mode = IKE1_UDP_TRANSPORT, .no_128 = false},
     .suite = {"AES-256-CBC, SHA2-256, ECP256", "AES-256-CBC, SHA2-256, ECP256",
               "AES-256-CBC, SHA2-256, ECP256"},
     .child = {"AES-256-GCM", "AES-256-GCM", "AES-256-GCM"}},
    {.name = "strongSwan",
     .phase1 = "AES128-SHA256-MODP3072 AES128-SHA256-ECP256 AES192-SHA384-ECP384 "
               "AES256-SHA512-MODP4096 AES256-SHA256-MODP2048 AES256-SHA384-ECP384",
     .esp = "GCM128|AES128-SHA256|AES256-SHA512|AES128-SHA1",
     .style = {.mode = IKE1_UDP_TUNNEL},
     .suite = {"AES-256-CBC, SHA2-384, ECP384", "AES-256-CBC, SHA2-384, ECP384",
               "AES-256-CBC, SHA2-384, ECP384"},
     .child = {"AES-128-GCM", "AES-128-GCM", "AES-128-GCM"}},
    {.name = "Cisco IOS, classic",
     .phase1 = "3DES-SHA1-MODP1024",
     .esp = "3DES-SHA1",
     .style = {.mode = IKE1_TRANSPORT, .long_life = true, .kilobytes = true},
     .suite = {NULL, "3DES-CBC, SHA1, MODP1024", NULL},
     .child = {NULL, "3DES-CBC-SHA1", NULL},
     .need1 = W_MODP1024 | W_TDES,
     .need2 = W_TDES},
    {.name = "Cisco IOS",
     .phase1 = "AES256-SHA1-MODP2048 AES128-SHA1-MODP1536 AES128-SHA1-MODP1024",
     .esp = "AES256-SHA1|AES128-SHA1",
     .style = {.mode = IKE1_TUNNEL, .long_life = true, .kilobytes = true, .no_128 = true},
     .suite = {"AES-256-CBC, SHA1, MODP2048", "AES-256-CBC, SHA1, MODP2048", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL}},
    {.name = "NEC IX",
     .phase1 = "AES256-SHA256-MODP2048",
     .esp = "AES256-SHA256",
     .style = {.mode = IKE1_TUNNEL, .long_life = true},
     .suite = {"AES-256-CBC, SHA2-256, MODP2048", "AES-256-CBC, SHA2-256, MODP2048",
               "AES-256-CBC, SHA2-256, MODP2048"},
     .child = {"AES-256-CBC-SHA256", "AES-256-CBC-SHA256", "AES-256-CBC-SHA256"}},
    {.name = "NEC IX, its defaults",
     .phase1 = "3DES-SHA1-MODP1024",
     .esp = "3DES-SHA1",
     .style = {.mode = IKE1_TUNNEL, .long_life = true},
     .suite = {NULL, "3DES-CBC, SHA1, MODP1024", NULL},
     .child = {NULL, "3DES-CBC-SHA1", NULL},
     .need1 = W_MODP1024 | W_TDES,
     .need2 = W_TDES},
    {.name = "Yamaha, its defaults",
     .phase1 = "AES128-SHA1-MODP1024",
     .esp = "AES128-SHA1",
     .style = {.mode = IKE1_TRANSPORT, .long_life = true},
     .suite = {NULL, "AES-128-CBC, SHA1, MODP1024", NULL},
     .child = {"AES-128-CBC-SHA1", "AES-128-CBC-SHA1", NULL},
     .need1 = W_MODP1024},
    {.name = "Yamaha, set to what is good",
     .phase1 = "AES256-SHA256-MODP2048",
     .esp = "AES256-SHA256",
     .style = {.mode = IKE1_TRANSPORT, .long_life = true},
     .suite = {"AES-256-CBC, SHA2-256, MODP2048", "AES-256-CBC, SHA2-256, MODP2048",
               "AES-256-CBC, SHA2-256, MODP2048"},
     .child = {"AES-256-CBC-SHA256", "AES-256-CBC-SHA256", "AES-256-CBC-SHA256"}},
    {.name = "MikroTik",
     .phase1 = "AES128-SHA1-MODP2048 AES128-SHA1-MODP1024 3DES-SHA1-MODP2048 3DES-SHA1-MODP1024",
     .esp = "AES256-SHA1-MODP1024 AES192-SHA1-MODP1024 AES128-SHA1-MODP1024",
     .style = {.mode = IKE1_UDP_TUNNEL, .long_life = true},
     .suite = {"AES-128-CBC, SHA1, MODP2048", "AES-128-CBC, SHA1, MODP2048", NULL},
     .child = {"AES-256-CBC-SHA1", "AES-256-CBC-SHA1", NULL},
     .pfs = 2},
};

/* The answer is one transform, the peer's own octets, under its own numbers. */
static void
check_echo(const struct offer *o, const struct ike1_choice *c, uint32_t spi)
{
    struct ike1_transforms sent;
    struct ike1_transforms echo;
    uint8_t bytes[256];
    struct writer w = writer_of(bytes, sizeof(bytes));
    unsigned which = 0;

    while (which < o->n && o->attributes[which] != c->attributes.at)
        which++;
    g_assert_cmpuint(which, <, o->n);
    g_assert_cmpuint(c->attributes.left, ==, o->attributes_len[which]);
    ike1_write_choice(&w, c, spi);
    g_assert_true(writer_ok(&w));
    g_assert_true(ike1_transforms_read(offer_sa(o), &sent));
    g_assert_true(ike1_transforms_read(reader_of(bytes, w.len), &echo));
    g_assert_cmpuint(echo.n, ==, 1);
    const struct ike1_transform *a = &sent.t[which];
    const struct ike1_transform *b = &echo.t[0];
    g_assert_cmpuint(a->number, ==, b->number);
    g_assert_cmpuint(a->id, ==, b->id);
    g_assert_cmpuint(a->proposal, ==, b->proposal);
    g_assert_cmpuint(a->protocol, ==, b->protocol);
    assert_bytes(a->bytes.at, a->bytes.left, b->bytes.at, b->bytes.left);
    g_assert_cmpuint(b->spi.left, ==, spi > 0 ? 4 : 0);
    if (spi > 0)
        g_assert_cmpuint(reader_u32(&echo.t[0].spi), ==, spi);
}

static void
check_phase1(const struct client *c, unsigned weak, const char *want)
{
    struct offer o;
    struct ike1_suite s;
    struct ike1_choice choice;
    char text[256];

    offer_phase1(&o, c->phase1, &c->style);
    enum ike1_offer got = ike1_choose(offer_sa(&o), weak, BY_PSK, 0, &s, &choice);
    g_assert_cmpint(got, ==, want ? IKE1_OFFER_TAKEN : IKE1_OFFER_NONE);
    if (!want) {
        unsigned need = ike1_offer_explain(offer_sa(&o), weak, text, sizeof(text));
        if (weak & W_SHA1)
            g_assert_cmpuint(need, ==, c->need1);
        else
            g_assert_cmpuint(need, !=, 0);
        return;
    }
    ike1_suite_print(&s, text, sizeof(text));
    g_assert_cmpstr(text, ==, want);
    g_assert_cmpuint(s.life_s, ==, 28800);
    g_assert_cmpint(s.auth, ==, IKE1_PSK);
    check_echo(&o, &choice, 0);
}

static void
check_child(const struct client *c, unsigned weak, const char *want)
{
    struct offer o;
    struct ike1_child_suite s;
    struct ike1_choice choice;
    char text[256];
    const struct ike1_child_want wants = {
        .nat = c->style.mode >= IKE1_UDP_TUNNEL,
        .weak = weak,
        .public_len = ike1_group_size(c->pfs),
    };

    offer_esp(&o, c->esp, &c->style);
    enum ike1_offer got = ike1_choose_child(offer_sa(&o), &wants, &s, &choice);
    g_assert_cmpint(got, ==, want ? IKE1_OFFER_TAKEN : IKE1_OFFER_NONE);
    if (!want) {
        unsigned need = ike1_offer_explain(offer_sa(&o), weak, text, sizeof(text));
        if (weak & W_SHA1)
            g_assert_cmpuint(need, ==, c->need2);
        else
            g_assert_cmpuint(need, !=, 0);
        return;
    }
    g_assert_cmpstr(esp_suite_name(&s.esp), ==, want);
    g_assert_cmpuint(s.life_s, ==, 28800);
    g_assert_cmpuint(s.life_kib, ==, c->style.kilobytes ? 250000 : 0);
    g_assert_cmpuint(s.mode, ==, c->style.mode);
    g_assert_cmpuint(s.group, ==, c->pfs);
    g_assert_cmpint(s.tunnel, ==, c->style.mode == IKE1_TUNNEL || c->style.mode == IKE1_UDP_TUNNEL);
    g_assert_cmpuint(reader_u32(&choice.spi), ==, 0xa1b2c300 + choice.proposal_number);
    check_echo(&o, &choice, 0x01020304);
}

static void
test_clients(void)
{
    static const unsigned weak[] = {W_SHA1, ALL, 0};

    for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
        g_test_message("%s", clients[i].name);
        for (unsigned n = 0; n < G_N_ELEMENTS(weak); n++) {
            check_phase1(&clients[i], weak[n], clients[i].suite[n]);
            check_child(&clients[i], weak[n], clients[i].child[n]);
        }
    }
}

/* ---- phase 1 ---- */

/* What is taken of an offer, as text; "none", "malformed". */
static const char *
chosen(const char *text, unsigned weak, unsigned auths, uint16_t group)
{
    static char out[64];
    struct offer o;
    struct ike1_suite s;
    struct ike1_choice choice;

    offer_phase1(&o, text, &plain);
    if (ike1_choose(offer_sa(&o), weak, auths, group, &s, &choice) != IKE1_OFFER_TAKEN)
        return "none";
    ike1_suite_print(&s, out, sizeof(out));
    if (s.auth == IKE1_RSA)
        g_strlcat(out, ", RSA", sizeof(out));
    return out;
}

/* Each one is better than those behind it. */
static void
test_order(void)
{
    static const char *const order[] = {
        "AES256-SHA512-ECP384",   "AES192-SHA256-ECP384",   "AES128-SHA384-ECP384",
        "AES256-SHA256-ECP256",   "AES128-SHA256-ECP521",   "AES256-SHA256-MODP2048",
        "AES256-SHA256-MODP4096", "AES256-SHA256-MODP3072", "AES256-SHA1-ECP384",
        "3DES-SHA256-ECP384",     "AES256-SHA1-MODP2048",   "AES256-MD5-MODP2048",
        "AES256-SHA256-MODP1536", "AES256-SHA256-MODP1024", "3DES-SHA1-MODP2048",
        "3DES-MD5-MODP2048",      "AES256-SHA1-MODP1536",   "AES256-SHA1-MODP1024",
        "AES128-SHA1-MODP1024",   "AES128-MD5-MODP1024",    "3DES-SHA1-MODP1024",
        "3DES-MD5-MODP1024"};
    char *text;

    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        for (size_t j = i + 1; j < G_N_ELEMENTS(order); j++) {
            char *best = g_strdup(chosen(order[i], ALL, BY_PSK, 0));
            text = g_strdup_printf("%s %s", order[j], order[i]);
            g_assert_cmpstr(chosen(text, ALL, BY_PSK, 0), ==, best);
            g_free(text);
            text = g_strdup_printf("%s|%s", order[i], order[j]);
            g_assert_cmpstr(chosen(text, ALL, BY_PSK, 0), ==, best);
            g_free(text);
            g_free(best);
        }
    }
    /* of any SHA-2 the peer's first counts */
    g_assert_cmpstr(chosen("AES256-SHA256-ECP384 AES256-SHA512-ECP384", 0, BY_PSK, 0), ==,
                    "AES-256-CBC, SHA2-256, ECP384");
    g_assert_cmpstr(chosen("AES256-SHA512-ECP384 AES256-SHA256-ECP384", 0, BY_PSK, 0), ==,
                    "AES-256-CBC, SHA2-512, ECP384");
}

static void
test_gates(void)
{
    static const struct {
        const char *text;
        unsigned weak;
    } one[] = {
        {"AES256-SHA256-MODP2048", 0},
        {"AES256-SHA1-MODP2048", W_SHA1},
        {"AES256-SHA256-MODP1024", W_MODP1024},
        {"AES256-SHA256-MODP1536", W_MODP1024},
        {"3DES-SHA256-MODP2048", W_TDES},
        {"AES256-MD5-MODP2048", W_MD5},
        {"3DES-MD5-MODP1024", W_TDES | W_MD5 | W_MODP1024},
    };
    struct offer o;
    char text[200];

    for (size_t i = 0; i < G_N_ELEMENTS(one); i++) {
        offer_phase1(&o, one[i].text, &plain);
        for (unsigned weak = 0; weak <= ALL; weak++) {
            bool ok = (one[i].weak & ~weak) == 0;
            g_assert_cmpint(strcmp(chosen(one[i].text, weak, BY_PSK, 0), "none") != 0, ==, ok);
            g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), weak, text, sizeof(text)), ==,
                             one[i].weak & ~weak);
        }
    }
}

/* What is never taken, and the methods. */
static void
test_never(void)
{
    static const char *const never[] = {"DES-SHA1-MODP2048",
                                        "AES256-SHA256-MODP768",
                                        "AES256-SHA256-X25519",
                                        "AES256-SHA256-MODP2048-XAUTH",
                                        "AES256-SHA256-MODP2048-XAUTH-RSA",
                                        "AES256-SHA256-MODP2048-HYBRID",
                                        "AES512-SHA256-MODP2048",
                                        "AES100-SHA256-MODP2048",
                                        "AES256--MODP2048",
                                        "AES256-SHA256-",
                                        "3DES128-SHA1-MODP2048"};

    for (size_t i = 0; i < G_N_ELEMENTS(never); i++)
        g_assert_cmpstr(chosen(never[i], ALL, BY_PSK | BY_RSA, 0), ==, "none");
    g_assert_cmpstr(chosen("AES256-SHA256-MODP2048-RSA", 0, BY_PSK, 0), ==, "none");
    g_assert_cmpstr(chosen("AES256-SHA256-MODP2048-RSA", 0, BY_RSA, 0), ==,
                    "AES-256-CBC, SHA2-256, MODP2048, RSA");
    g_assert_cmpstr(chosen("AES256-SHA256-MODP2048", 0, BY_RSA, 0), ==, "none");
    g_assert_cmpstr(
        chosen("AES256-SHA256-MODP2048-RSA AES128-SHA256-MODP2048", 0, BY_PSK | BY_RSA, 0), ==,
        "AES-256-CBC, SHA2-256, MODP2048, RSA");
    /* aggressive mode: the group is the KE payload's */
    g_assert_cmpstr(chosen("AES256-SHA256-ECP384 AES256-SHA256-MODP2048", 0, BY_PSK, 14), ==,
                    "AES-256-CBC, SHA2-256, MODP2048");
    g_assert_cmpstr(chosen("AES256-SHA256-ECP384 AES256-SHA256-MODP2048", 0, BY_PSK, 15), ==,
                    "none");
}

/* ---- transforms by hand ---- */

/* An SA payload of one transform with these attributes. */
static struct reader
by_hand(uint8_t *out, size_t cap, uint8_t protocol, uint8_t id, const char *attributes)
{
    uint8_t bytes[256];
    struct writer w = writer_of(out, cap);
    const struct ike1_choice c = {
        .proposal_number = 1,
        .protocol = protocol,
        .transform_number = 7,
        .transform_id = id,
        .attributes = reader_of(bytes, unhex(attributes, bytes, sizeof(bytes))),
    };

    ike1_write_choice(&w, &c, protocol == IKE1_PROTOCOL_ESP ? 0x100 : 0);
    g_assert_true(writer_ok(&w));
    return reader_of(out, w.len);
}

#define GOOD "80010007 80020004 8003 0001 8004 000e" /* AES-128 */

static void
test_lives(void)
{
    static const struct {
        const char *attributes;
        uint32_t life_s;
    } lives[] = {
        {GOOD, 0},
        {GOOD "800b0001 800c0e10", 3600},
        {GOOD "800b0001 000c0004 00007080", 28800},
        {GOOD "800b0001 000c0002 0e10", 3600},
        {GOOD "000b0002 0001 000c0003 010000", 65536},
        {GOOD "800b0001 000c0008 0000000100000000", UINT32_MAX},
        {GOOD "800b0001 000c0009 000000000000000001", UINT32_MAX},
        {GOOD "800b0002 800c0064 800b0001 800c0e10", 3600},
        {GOOD "800b0001 800c0e10 800b0002 800c0064", 3600},
        {GOOD "800c0e10", 0},
        {GOOD "800b0009 800c0e10", 0},
    };
    uint8_t sa[256];
    struct ike1_suite s;
    struct ike1_choice c;

    for (size_t i = 0; i < G_N_ELEMENTS(lives); i++) {
        struct reader r = by_hand(sa, sizeof(sa), 1, 1, lives[i].attributes);
        g_assert_cmpint(ike1_choose(r, 0, BY_PSK, 0, &s, &c), ==, IKE1_OFFER_TAKEN);
        g_assert_cmpuint(s.life_s, ==, lives[i].life_s);
        g_assert_cmpuint(s.key_bits, ==, 128); /* no KeyLength */
        g_assert_cmpuint(c.transform_number, ==, 7);
        g_assert_cmpuint(c.spi.left, ==, 0);
    }
}

static void
test_strange_attributes(void)
{
    static const struct {
        const char *attributes;
        enum ike1_offer want;
    } cases[] = {
        {GOOD "800d0001", IKE1_OFFER_NONE},              /* a PRF of its own */
        {GOOD "80050001", IKE1_OFFER_NONE},              /* a group type */
        {GOOD "c0010001", IKE1_OFFER_NONE},              /* private use */
        {GOOD "80010005", IKE1_OFFER_NONE},              /* a second cipher */
        {GOOD "000e0004 00000100", IKE1_OFFER_TAKEN},    /* a number in the long form */
        {GOOD "000e0004 00010080", IKE1_OFFER_NONE},     /* its low half alone would do */
        {GOOD "000e0000", IKE1_OFFER_TAKEN},             /* none is 0 */
        {GOOD "800e", IKE1_OFFER_MALFORMED},             /* no value */
        {GOOD "000e0004 0000", IKE1_OFFER_MALFORMED},    /* half a value */
        {GOOD "00", IKE1_OFFER_MALFORMED},               /* half a type */
        {"80020004 80030001 8004000e", IKE1_OFFER_NONE}, /* no cipher */
        {"", IKE1_OFFER_NONE},
    };
    uint8_t sa[256];
    struct ike1_suite s;
    struct ike1_choice c;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct reader r = by_hand(sa, sizeof(sa), 1, 1, cases[i].attributes);
        g_assert_cmpint(ike1_choose(r, ALL, BY_PSK, 0, &s, &c), ==, cases[i].want);
    }
    struct reader r = by_hand(sa, sizeof(sa), 1, 2, GOOD); /* no KEY_IKE */
    g_assert_cmpint(ike1_choose(r, ALL, BY_PSK, 0, &s, &c), ==, IKE1_OFFER_NONE);
}

/* ---- phase 2 ---- */

static struct ike1_child_suite last_child;

static const char *
chosen_child(const char *text, const struct offer_style *style, const struct ike1_child_want *want)
{
    struct offer o;
    struct ike1_choice choice;

    offer_esp(&o, text, style);
    if (ike1_choose_child(offer_sa(&o), want, &last_child, &choice) != IKE1_OFFER_TAKEN)
        return "none";
    return esp_suite_name(&last_child.esp);
}

static void
test_child_order(void)
{
    static const char *const order[] = {
        "GCM256",        "GCM192",      "GCM128",     "AES256-SHA256", "AES192-SHA512",
        "AES128-SHA384", "AES256-SHA1", "AES256-MD5", "AES192-SHA1",   "AES128-SHA1",
        "AES128-MD5",    "3DES-SHA256", "3DES-SHA1",  "3DES-MD5"};
    static const char *const never[] = {"DES-SHA1", "NULL-SHA1",   "AES256", "GCM256-SHA1",
                                        "GCM",      "AES512-SHA1", "3DES",   "3DES128-SHA1"};
    const struct ike1_child_want want = {.nat = true, .weak = ALL};

    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        const char *best = chosen_child(order[i], &plain, &want);
        g_assert_cmpstr(best, !=, "none");
        for (size_t j = i + 1; j < G_N_ELEMENTS(order); j++) {
            char *text = g_strdup_printf("%s %s", order[j], order[i]);
            g_assert_cmpstr(chosen_child(text, &plain, &want), ==, best);
            g_free(text);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(never); i++)
        g_assert_cmpstr(chosen_child(never[i], &plain, &want), ==, "none");
}

static void
test_modes(void)
{
    static const uint16_t udp[] = {3, 4, 61443, 61444};
    struct ike1_child_want want = {.weak = W_SHA1};
    struct offer_style style = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(udp); i++) {
        style.mode = udp[i];
        want.nat = true;
        g_assert_cmpstr(chosen_child("AES256-SHA1", &style, &want), ==, "AES-256-CBC-SHA1");
        g_assert_cmpuint(last_child.mode, ==, udp[i]);
        g_assert_cmpint(last_child.tunnel, ==, udp[i] % 2 == 1);
        want.nat = false;
        g_assert_cmpstr(chosen_child("AES256-SHA1", &style, &want), ==, "none");
    }
    for (style.mode = 0; style.mode < 3; style.mode++) { /* 0: it does not say, a tunnel */
        want.nat = false;
        g_assert_cmpstr(chosen_child("AES256-SHA1", &style, &want), ==, "AES-256-CBC-SHA1");
        g_assert_cmpint(last_child.tunnel, ==, style.mode < 2);
        want.nat = true;
        g_assert_cmpstr(chosen_child("AES256-SHA1", &style, &want), ==, "none");
    }
    style.mode = 5;
    g_assert_cmpstr(chosen_child("AES256-SHA1", &style, &want), ==, "none");
    /* both kinds: the one that is meant, though the other is stronger */
    style.mode = 0;
    g_assert_cmpstr(chosen_child("AES256-SHA1-m2|AES128-SHA1-m4", &style, &want), ==,
                    "AES-128-CBC-SHA1");
    want.nat = false;
    g_assert_cmpstr(chosen_child("AES256-SHA1-m4 AES128-SHA1-m2", &style, &want), ==,
                    "AES-128-CBC-SHA1");
    g_assert_cmpstr(chosen_child("AES128-SHA1-m2-m4", &style, &want), ==, "none"); /* twice */
}

static void
test_pfs_and_esn(void)
{
    struct ike1_child_want want = {.nat = true};
    static const struct {
        const char *text;
        size_t public_len;
        const char *want;
        uint16_t group;
    } cases[] = {
        {"AES256-SHA256", 0, "AES-256-CBC-SHA256", 0},
        {"AES256-SHA256", 128, "none", 0},
        {"AES256-SHA256-MODP1024", 128, "AES-256-CBC-SHA256", 2}, /* not weaker than without */
        {"AES256-SHA256-MODP1024", 0, "none", 0},
        {"AES256-SHA256-MODP2048 AES128-SHA256-ECP256", 64, "AES-128-CBC-SHA256", 19},
        {"AES256-SHA256-MODP2048 AES128-SHA256", 0, "AES-128-CBC-SHA256", 0},
        {"AES256-SHA256-MODP768", 96, "none", 0},
        {"AES256-SHA256-MODP768", 0, "none", 0}, /* no size is no group's */
        {"AES256-SHA256-X25519", 32, "none", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        want.public_len = cases[i].public_len;
        g_assert_cmpstr(chosen_child(cases[i].text, &plain, &want), ==, cases[i].want);
        if (strcmp(cases[i].want, "none") != 0)
            g_assert_cmpuint(last_child.group, ==, cases[i].group);
    }
    want.public_len = 0;
    g_assert_cmpstr(chosen_child("GCM128-ESN", &plain, &want), ==, "AES-128-GCM");
    g_assert_true(last_child.esp.esn);
    g_assert_cmpstr(chosen_child("GCM128", &plain, &want), ==, "AES-128-GCM");
    g_assert_false(last_child.esp.esn);

    uint8_t sa[256];
    struct ike1_choice c;
    static const char *const esn[] = {"800b0000", "800b0002", "800a0001"};
    static const enum ike1_offer taken[] = {IKE1_OFFER_TAKEN, IKE1_OFFER_NONE, IKE1_OFFER_TAKEN};
    for (size_t i = 0; i < G_N_ELEMENTS(esn); i++) {
        char *text = g_strdup_printf("80040004 80050005 80060100 %s", esn[i]);
        struct reader r = by_hand(sa, sizeof(sa), 3, 12, text);
        g_assert_cmpint(ike1_choose_child(r, &want, &last_child, &c), ==, taken[i]);
        g_assert_true(taken[i] != IKE1_OFFER_TAKEN || !last_child.esp.esn);
        g_free(text);
    }
}

/* Proposals that are meant together, other protocols, and SPIs that cannot be. */
static void
test_proposals(void)
{
    const struct ike1_child_want want = {.nat = true};
    struct offer o;
    struct ike1_choice c;

    g_assert_cmpstr(chosen_child("AES256-SHA256&AES128-SHA256", &plain, &want), ==, "none");
    g_assert_cmpstr(chosen_child("GCM256&AES256-SHA256|AES128-SHA256", &plain, &want), ==,
                    "AES-128-CBC-SHA256");
    offer_esp(&o, "AES256-SHA256", &plain);
    o.bytes[13] = 2; /* the protocol: AH */
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==, IKE1_OFFER_NONE);
    o.bytes[13] = 4;
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==, IKE1_OFFER_NONE);
    o.bytes[13] = 3;
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==, IKE1_OFFER_TAKEN);
    memset(o.bytes + 16, 0, 3); /* an SPI of less than 256 */
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==, IKE1_OFFER_NONE);
    offer_phase1(&o, "AES256-SHA256-MODP2048", &plain);
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==, IKE1_OFFER_NONE);

    struct ike1_suite s;
    offer_esp(&o, "AES256-SHA256", &plain);
    g_assert_cmpint(ike1_choose(offer_sa(&o), ALL, BY_PSK, 0, &s, &c), ==, IKE1_OFFER_NONE);
    const struct offer_style with_spi = {.isakmp_spi = 8}; /* the cookie, which is not echoed */
    offer_phase1(&o, "AES256-SHA256-MODP2048", &with_spi);
    g_assert_cmpint(ike1_choose(offer_sa(&o), 0, BY_PSK, 0, &s, &c), ==, IKE1_OFFER_TAKEN);
    check_echo(&o, &c, 0);
}

/* What we offer is what we would take, and the same suite. */
static void
test_own_offer(void)
{
    static const char *const suites[] = {
        "GCM256",      "GCM128-ESN", "AES256-SHA512",          "AES192-SHA384", "AES128-SHA256-ESN",
        "AES256-SHA1", "3DES-MD5",   "AES256-SHA256-MODP2048", "GCM192-ECP384"};
    static const uint16_t modes[] = {1, 2, 3, 4, 61443, 61444};
    struct offer_style style = {.kilobytes = true, .long_life = true};

    for (size_t i = 0; i < G_N_ELEMENTS(suites) * G_N_ELEMENTS(modes); i++) {
        struct ike1_child_want want = {.weak = ALL};
        struct ike1_child_suite first;
        struct ike1_choice c;
        uint8_t bytes[128];
        struct writer w = writer_of(bytes, sizeof(bytes));
        const char *text = suites[i / G_N_ELEMENTS(modes)];
        style.mode = modes[i % G_N_ELEMENTS(modes)];
        want.nat = style.mode > 2;
        want.public_len = strstr(text, "MODP") ? 256 : strstr(text, "ECP") ? 96 : 0;
        g_assert_cmpstr(chosen_child(text, &style, &want), !=, "none");
        first = last_child;
        ike1_write_child_offer(&w, &first, want.nat, 0xcafebabe);
        g_assert_true(writer_ok(&w));
        g_assert_cmpint(ike1_choose_child(reader_of(bytes, w.len), &want, &last_child, &c), ==,
                        IKE1_OFFER_TAKEN);
        g_assert_cmpstr(esp_suite_name(&first.esp), ==, esp_suite_name(&last_child.esp));
        g_assert_cmpint(first.esp.esn, ==, last_child.esp.esn);
        g_assert_cmpuint(first.mode, ==, last_child.mode);
        g_assert_cmpuint(first.group, ==, last_child.group);
        g_assert_cmpuint(last_child.life_s, ==, 28800);
        g_assert_cmpuint(last_child.life_kib, ==, 250000);
        g_assert_cmpuint(reader_u32(&c.spi), ==, 0xcafebabe);
    }
}

/* ---- bounds ---- */

static void
test_truncated(void)
{
    struct offer o;
    struct ike1_suite s;
    struct ike1_choice c;
    const struct ike1_child_want want = {.nat = true, .weak = ALL};
    char text[200];

    offer_phase1(&o, WINDOWS, &plain);
    for (size_t n = 0; n < o.len; n++) {
        struct reader r = reader_of(o.bytes, n);
        g_assert_cmpint(ike1_choose(r, ALL, BY_PSK, 0, &s, &c), ==, IKE1_OFFER_MALFORMED);
        g_assert_cmpuint(ike1_offer_explain(r, 0, text, sizeof(text)), ==, 0);
        g_assert_cmpstr(text, ==, "");
    }
    offer_esp(&o, "AES256-SHA1|AES128-SHA1|3DES-SHA1", &plain);
    for (size_t n = 0; n < o.len; n++)
        g_assert_cmpint(ike1_choose_child(reader_of(o.bytes, n), &want, &last_child, &c), ==,
                        IKE1_OFFER_MALFORMED);
    o.bytes[3] = 0; /* the DOI */
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==,
                    IKE1_OFFER_MALFORMED);
    o.bytes[3] = 1;
    o.bytes[7] = 3; /* the situation */
    g_assert_cmpint(ike1_choose_child(offer_sa(&o), &want, &last_child, &c), ==,
                    IKE1_OFFER_MALFORMED);
}

/* One past what is looked at is not seen; one before it is. */
static void
test_many_transforms(void)
{
    GString *text = g_string_new("AES256-SHA1-MODP1024");
    for (unsigned i = 1; i < IKE1_TRANSFORMS_MAX - 1; i++)
        g_string_append(text, " AES256-SHA1-MODP1024");
    g_string_append(text, " AES256-SHA1-MODP2048");
    g_assert_cmpstr(chosen(text->str, ALL, BY_PSK, 0), ==, "AES-256-CBC, SHA1, MODP2048");
    g_string_append(text, " AES256-SHA256-MODP2048");
    g_assert_cmpstr(chosen(text->str, ALL, BY_PSK, 0), ==, "AES-256-CBC, SHA1, MODP2048");
    g_string_free(text, TRUE);
}

static void
test_explain(void)
{
    struct offer o;
    char text[300];

    offer_phase1(&o, "3DES-SHA1-MODP1024 3DES-SHA1-MODP1024 AES128-MD5-MODP1536", &plain);
    g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), W_SHA1, text, sizeof(text)), ==,
                     W_MODP1024 | W_TDES);
    g_assert_cmpstr(text, ==,
                    "3DES-SHA1-MODP1024, AES128-MD5-MODP1536; would need: modp1024, 3des");
    offer_phase1(&o, "DES-SHA1-MODP768 AES256-SHA256-MODP2048-XAUTH AES256-SHA256-X25519", &plain);
    g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), W_SHA1, text, sizeof(text)), ==, 0);
    g_assert_cmpstr(text, ==,
                    "DES-SHA1-MODP768, AES256-SHA256-MODP2048-XAUTH, "
                    "AES256-SHA256-group31");
    offer_esp(&o, "AES256-SHA1-MODP1024|NULL-SHA1|GCM128", &plain);
    g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), 0, text, sizeof(text)), ==, 0);
    g_assert_cmpstr(text, ==,
                    "AES256-SHA1-MODP1024-UDP-transport, "
                    "NULL-SHA1-UDP-transport, AES-GCM128-UDP-transport");
    offer_phase1(&o, ANDROID6, &plain);
    g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), W_SHA1, text, 200), ==, W_MODP1024);
    g_assert_true(g_str_has_suffix(text, ", ...; would need: modp1024"));
    g_assert_cmpuint(strlen(text), <, 200);
    g_assert_cmpuint(ike1_offer_explain(offer_sa(&o), W_SHA1, text, 10), ==, 0); /* no room */
    g_assert_cmpstr(text, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ike-proposal/clients", test_clients);
    g_test_add_func("/ike-proposal/order", test_order);
    g_test_add_func("/ike-proposal/gates", test_gates);
    g_test_add_func("/ike-proposal/never", test_never);
    g_test_add_func("/ike-proposal/lives", test_lives);
    g_test_add_func("/ike-proposal/strange-attributes", test_strange_attributes);
    g_test_add_func("/ike-proposal/child-order", test_child_order);
    g_test_add_func("/ike-proposal/modes", test_modes);
    g_test_add_func("/ike-proposal/pfs-and-esn", test_pfs_and_esn);
    g_test_add_func("/ike-proposal/proposals", test_proposals);
    g_test_add_func("/ike-proposal/own-offer", test_own_offer);
    g_test_add_func("/ike-proposal/truncated", test_truncated);
    g_test_add_func("/ike-proposal/many-transforms", test_many_transforms);
    g_test_add_func("/ike-proposal/explain", test_explain);
    return g_test_run();
}
