/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - see control.h. OpenSSL works between two memory BIOs. */

#include "core/proto/openvpn/control.h"

#include "core/crypto/cert.h"

#include <openssl/err.h>

#include <string.h>

static const char data_keys[] = "EXPORTER-OpenVPN-datakeys";

struct ovpn_channel *
ovpn_channel_new(SSL_CTX *ctx, size_t chunk)
{
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());

    if (!ssl || !in || !out) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    struct ovpn_channel *ch = g_new0(struct ovpn_channel, 1);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    ovpn_reliable_init(&ch->reliable);
    ch->ssl = ssl;
    ch->chunk = chunk;
    return ch;
}

void
ovpn_channel_free(struct ovpn_channel *ch)
{
    if (!ch)
        return;
    ovpn_reliable_clear(&ch->reliable);
    SSL_free(ch->ssl);
    g_free(ch);
}

/* TLS bytes to packets, as far as the window goes. */
static void
flush(struct ovpn_channel *ch, int64_t now_us)
{
    BIO *out = SSL_get_wbio(ch->ssl);
    uint8_t piece[OVPN_PAYLOAD_MAX];

    while (BIO_ctrl_pending(out) > 0 && ovpn_reliable_has_room(&ch->reliable)) {
        int n = BIO_read(out, piece, (int)ch->chunk);
        if (n <= 0)
            return;
        ovpn_reliable_send(&ch->reliable, OVPN_CONTROL_V1, piece, (size_t)n, now_us);
    }
}

/* Packets in order to TLS bytes. */
static void
take_in(struct ovpn_channel *ch)
{
    enum ovpn_op op;
    struct reader payload;

    while (ovpn_reliable_next(&ch->reliable, &op, &payload)) {
        if ((op != OVPN_CONTROL_V1 && op != OVPN_CONTROL_WKC_V1) || payload.left == 0)
            continue;
        (void)BIO_write(SSL_get_rbio(ch->ssl), payload.at, (int)payload.left);
        ch->tls_waiting = true;
    }
}

static bool
is_patience(const SSL *ssl, int result)
{
    int error = SSL_get_error(ssl, result);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

bool
ovpn_channel_advance(struct ovpn_channel *ch, int64_t now_us)
{
    bool fine = true;

    take_in(ch);
    if (!ch->open && ch->tls_waiting) {
        ERR_clear_error();
        int r = SSL_do_handshake(ch->ssl);
        ch->open = r == 1;
        fine = ch->open || is_patience(ch->ssl, r);
        ch->tls_waiting = ch->open && BIO_ctrl_pending(SSL_get_rbio(ch->ssl)) > 0;
    }
    flush(ch, now_us); /* an alert too */
    return fine;
}

long
ovpn_channel_read(struct ovpn_channel *ch, uint8_t *out, size_t cap)
{
    size_t n = 0;

    if (!ch->open)
        return 0;
    /* TLS itself may have something to answer, again and again, if the peer wants to be a nuisance.
     */
    if (BIO_ctrl_pending(SSL_get_wbio(ch->ssl)) > OVPN_CHANNEL_OUT_MAX)
        return -1;
    ERR_clear_error();
    if (SSL_read_ex(ch->ssl, out, cap, &n))
        return (long)n;
    ch->tls_waiting = false;
    return is_patience(ch->ssl, 0) ? 0 : -1;
}

bool
ovpn_channel_write(struct ovpn_channel *ch, const void *bytes, size_t len, int64_t now_us)
{
    size_t n = 0;

    if (!ch->open || BIO_ctrl_pending(SSL_get_wbio(ch->ssl)) + len > OVPN_CHANNEL_OUT_MAX)
        return false;
    ERR_clear_error();
    bool ok = SSL_write_ex(ch->ssl, bytes, len, &n);
    flush(ch, now_us);
    return ok && n == len;
}

bool
ovpn_channel_say(struct ovpn_channel *ch, const char *text, int64_t now_us)
{
    return ovpn_channel_write(ch, text, strlen(text) + 1, now_us);
}

bool
ovpn_channel_pull(struct ovpn_channel *ch, int64_t now_us, struct ovpn_control *c)
{
    flush(ch, now_us); /* there may be room again */
    return ovpn_reliable_pull(&ch->reliable, now_us, c);
}

bool
ovpn_channel_is_quiet(const struct ovpn_channel *ch)
{
    return BIO_ctrl_pending(SSL_get_wbio(ch->ssl)) == 0 && ovpn_reliable_is_quiet(&ch->reliable);
}

GBytes *
ovpn_channel_certificate(const struct ovpn_channel *ch)
{
    X509 *cert = SSL_get0_peer_certificate(ch->ssl);

    return cert ? cert_to_der(cert) : NULL;
}

bool
ovpn_channel_export(struct ovpn_channel *ch, uint8_t *out, size_t len)
{
    return SSL_export_keying_material(ch->ssl, out, len, data_keys, sizeof(data_keys) - 1, NULL, 0,
                                      0) == 1;
}
