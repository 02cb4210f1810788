/* SPDX-License-Identifier: Apache-2.0 */
/* test-ovpn-channel.c - two ends of a control channel over a link that loses and doubles packets:
 * the handshake ends, messages keep their bounds, both ends derive the same keys. */

#include "core/crypto/cert.h"
#include "core/crypto/tls.h"
#include "core/proto/openvpn/control.h"

#include <openssl/bio.h>

#define MS INT64_C(1000)

struct ends {
    SSL_CTX *ctx[2]; /* server's, client's */
    struct ovpn_channel *end[2];
    int64_t now_us;
    unsigned loss; /* percent */
    uint32_t chance;
    unsigned packets;
};

enum { SERVER, CLIENT };

static int
accept_any(X509_STORE_CTX *ctx, void *data)
{
    (void)ctx;
    (void)data;
    return 1;
}

static unsigned
roll(struct ends *e)
{
    e->chance = e->chance * 1664525u + 1013904223u;
    return (e->chance >> 16) % 100;
}

static void
set_up(struct ends *e, gconstpointer loss)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;

    *e = (struct ends){.loss = GPOINTER_TO_UINT(loss), .chance = 7, .now_us = 1000 * MS};
    g_assert_true(cert_make_self_signed("somebody", 1, &cert, &key, NULL));
    e->ctx[SERVER] = tls_server_ctx(cert, key, NULL, NULL);
    SSL_CTX_set_verify(e->ctx[SERVER], SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(e->ctx[SERVER], accept_any, NULL);
    e->ctx[CLIENT] = tls_client_ctx(NULL);
    g_assert_true(SSL_CTX_use_cert_and_key(e->ctx[CLIENT], cert, key, NULL, 1));
    for (unsigned i = 0; i < 2; i++)
        e->end[i] = ovpn_channel_new(e->ctx[i], OVPN_PAYLOAD_MAX);
    SSL_set_connect_state(e->end[CLIENT]->ssl);
    e->end[CLIENT]->tls_waiting = true; /* it speaks first */
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
tear_down(struct ends *e, gconstpointer loss)
{
    (void)loss;
    for (unsigned i = 0; i < 2; i++) {
        ovpn_channel_free(e->end[i]);
        SSL_CTX_free(e->ctx[i]);
    }
}

static void
carry(struct ends *e, unsigned from)
{
    struct ovpn_channel *to = e->end[1 - from];
    struct ovpn_control c;

    for (c = (struct ovpn_control){0}; ovpn_channel_pull(e->end[from], e->now_us, &c);
         c = (struct ovpn_control){0}) {
        e->packets++;
        if (roll(e) < e->loss)
            continue;
        (void)ovpn_reliable_received(&to->reliable, &c, e->now_us);
        if (roll(e) < e->loss)
            (void)ovpn_reliable_received(&to->reliable, &c, e->now_us);
    }
}

/* Time passes until both ends are open and quiet, or too much of it has. */
static void
run(struct ends *e)
{
    for (unsigned i = 0; i < 3000; i++) {
        for (unsigned end = 0; end < 2; end++)
            g_assert_true(ovpn_channel_advance(e->end[end], e->now_us));
        carry(e, CLIENT);
        carry(e, SERVER);
        if (e->end[SERVER]->open && e->end[CLIENT]->open && ovpn_channel_is_quiet(e->end[SERVER]) &&
            ovpn_channel_is_quiet(e->end[CLIENT]))
            break;
        e->now_us += 50 * MS;
    }
    for (unsigned end = 0; end < 2; end++)
        g_assert_true(ovpn_channel_advance(e->end[end], e->now_us));
    g_assert_true(e->end[SERVER]->open && e->end[CLIENT]->open);
}

static void
test_messages(struct ends *e, gconstpointer loss)
{
    uint8_t large[5000];
    uint8_t got[OVPN_MESSAGE_MAX];

    (void)loss;
    memset(large, 'x', sizeof(large));
    g_assert_false(ovpn_channel_say(e->end[SERVER], "too early", e->now_us));
    run(e);
    g_assert_true(ovpn_channel_write(e->end[CLIENT], large, sizeof(large), e->now_us));
    g_assert_true(ovpn_channel_say(e->end[CLIENT], "PUSH_REQUEST", e->now_us));
    run(e);
    g_assert_cmpint(ovpn_channel_read(e->end[SERVER], got, sizeof(got)), ==, sizeof(large));
    g_assert_cmpmem(got, sizeof(large), large, sizeof(large));
    g_assert_cmpint(ovpn_channel_read(e->end[SERVER], got, sizeof(got)), ==, 13);
    g_assert_cmpstr((char *)got, ==, "PUSH_REQUEST");
    g_assert_cmpint(ovpn_channel_read(e->end[SERVER], got, sizeof(got)), ==, 0);

    for (unsigned i = 0; i < 20; i++)
        g_assert_true(ovpn_channel_say(e->end[SERVER], "PUSH_REPLY,topology subnet", e->now_us));
    run(e);
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpint(ovpn_channel_read(e->end[CLIENT], got, sizeof(got)), ==, 27);
        g_assert_cmpstr((char *)got, ==, "PUSH_REPLY,topology subnet");
    }
}

static void
test_keys(struct ends *e, gconstpointer loss)
{
    uint8_t ours[256];
    uint8_t theirs[256];

    (void)loss;
    g_assert_null(ovpn_channel_certificate(e->end[SERVER]));
    run(e);
    g_assert_true(ovpn_channel_export(e->end[SERVER], ours, sizeof(ours)));
    g_assert_true(ovpn_channel_export(e->end[CLIENT], theirs, sizeof(theirs)));
    g_assert_cmpmem(ours, sizeof(ours), theirs, sizeof(theirs));

    g_autoptr(GBytes) der = ovpn_channel_certificate(e->end[SERVER]);
    g_assert_nonnull(der);
    X509 *cert = cert_from_der(g_bytes_get_data(der, NULL), g_bytes_get_size(der), NULL);
    g_autofree char *name = cert_common_name(cert);
    g_assert_cmpstr(name, ==, "somebody");
    X509_free(cert);
}

static void
test_garbage(struct ends *e, gconstpointer loss)
{
    struct ovpn_control c = {
        .op = OVPN_CONTROL_V1, .has_id = true, .payload = reader_of("GET / HTTP/1.1\r\n\r\n", 18)};

    (void)loss;
    g_assert_true(ovpn_reliable_received(&e->end[SERVER]->reliable, &c, e->now_us));
    g_assert_false(ovpn_channel_advance(e->end[SERVER], e->now_us));
}

/* A peer that acknowledges nothing: what waits for it has a bound. */
static void
test_bound(struct ends *e, gconstpointer loss)
{
    uint8_t message[1000] = {0};
    unsigned said = 0;

    (void)loss;
    run(e);
    while (said < 1000 && ovpn_channel_write(e->end[SERVER], message, sizeof(message), e->now_us))
        said++;
    g_assert_cmpuint(said, >, 32);
    g_assert_cmpuint(said, <=, OVPN_CHANNEL_OUT_MAX / sizeof(message) + OVPN_SEND_WINDOW + 2);
    g_assert_false(ovpn_channel_is_quiet(e->end[SERVER]));
}

/* TLS itself answers a key update; without an end of that the peer's memory would be ours. */
static void
test_key_updates(struct ends *e, gconstpointer loss)
{
    uint8_t got[64];
    long verdict = 0;

    (void)loss;
    run(e);
    for (unsigned i = 0; i < 100 * 1000 && verdict == 0; i++) {
        BIO *out = SSL_get_wbio(e->end[CLIENT]->ssl);
        BIO *in = SSL_get_rbio(e->end[SERVER]->ssl);
        g_assert_true(SSL_key_update(e->end[CLIENT]->ssl, SSL_KEY_UPDATE_REQUESTED));
        g_assert_cmpint(SSL_do_handshake(e->end[CLIENT]->ssl), ==, 1);
        int n = BIO_read(out, got, sizeof(got));
        g_assert_cmpint(BIO_write(in, got, n), ==, n);
        verdict = ovpn_channel_read(e->end[SERVER], got, sizeof(got));
    }
    g_assert_cmpint(verdict, ==, -1);
    g_assert_cmpuint(BIO_ctrl_pending(SSL_get_wbio(e->end[SERVER]->ssl)), <=,
                     OVPN_CHANNEL_OUT_MAX + 1024);
}

#define ADD(name, loss, fn) \
    g_test_add("/openvpn/channel/" name, struct ends, GUINT_TO_POINTER(loss), set_up, fn, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("messages", 0, test_messages);
    ADD("messages-with-loss", 25, test_messages);
    ADD("keys", 0, test_keys);
    ADD("keys-with-loss", 25, test_keys);
    ADD("garbage", 0, test_garbage);
    ADD("bound", 0, test_bound);
    ADD("key-updates", 0, test_key_updates);
    return g_test_run();
}
