/* SPDX-License-Identifier: Apache-2.0 */
/* in.c - ESP opened, in place. A packet that is refused is left as it fell: AES-GCM deciphers and
 * authenticates in one go.
 *
 * Some phones truncate HMAC-SHA2-256 to 96 bits, as a draft of RFC 4868 had it, without saying so.
 * A text is a multiple of 8 or 16 bytes, and 12 and 16 differ modulo both: the length of a packet
 * tells which ICV it has. A genuine one of 128 bits is the end of it. One of 96 is not: who sits on
 * the way can cut four bytes off.
 */

#include "core/base/reader.h"
#include "core/base/secret.h"
#include "core/proto/esp/esp_priv.h"

#include <openssl/core_names.h>

struct esp_in *
esp_in_new(const struct esp_suite *s, uint32_t spi, const uint8_t *keymat)
{
    struct esp_shape shape;

    if (!esp_shape_of(s, &shape))
        return NULL;
    struct esp_in *i = g_new0(struct esp_in, 1);
    i->suite = *s;
    i->shape = shape;
    i->spi = spi;
    i->may_be_short = s->integrity == ESP_SHA256_128;
    i->cipher = esp_cipher_new(&shape, keymat, false);
    i->mac = shape.digest ? esp_mac_new(&shape, keymat) : NULL;
    memcpy(i->nonce, keymat + shape.key_len, shape.salt_len);
    i->tag[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, ESP_TAG);
    i->tag[1] = OSSL_PARAM_construct_end();
    if (!i->cipher || (shape.digest && !i->mac)) {
        esp_in_free(i);
        return NULL;
    }
    return i;
}

void
esp_in_free(struct esp_in *i)
{
    if (!i)
        return;
    EVP_CIPHER_CTX_free(i->cipher);
    EVP_MAC_CTX_free(i->mac);
    secret_wipe(i, sizeof(*i));
    g_free(i);
}

bool
esp_in_is_short(const struct esp_in *i)
{
    return i->is_short;
}

uint64_t
esp_in_packets(const struct esp_in *i)
{
    return i->packets;
}

/* ---- one packet ---- */

/* A packet by its parts; text_len is not 0 and a multiple of the cipher's block. */
struct parts {
    uint8_t *packet, *text, *icv;
    size_t text_len, icv_len;
    uint64_t seq;
};

static bool
fits(const struct esp_in *i, size_t left, size_t icv_len)
{
    return left >= i->shape.align + icv_len && (left - icv_len) % i->shape.align == 0;
}

static enum drop
take_apart(const struct esp_in *i, uint8_t *packet, size_t len, struct parts *out)
{
    struct reader in = reader_of(packet, len);
    uint32_t spi = reader_u32(&in);
    uint32_t low = reader_u32(&in);
    size_t icv_len = i->shape.icv_len;

    (void)reader_take(&in, i->shape.iv_len);
    if (!reader_ok(&in) || in.left < ESP_SHORT_ICV)
        return DROP_SHORT;
    if (i->may_be_short && !fits(i, in.left, icv_len))
        icv_len = ESP_SHORT_ICV;
    if (in.left < i->shape.align + icv_len)
        return DROP_SHORT;
    if (spi != i->spi || !fits(i, in.left, icv_len))
        return DROP_MALFORMED;
    out->packet = packet;
    out->text = packet + ESP_HEADER + i->shape.iv_len;
    out->text_len = in.left - icv_len;
    out->icv = out->text + out->text_len;
    out->icv_len = icv_len;
    out->seq = i->suite.esn ? esp_window_infer(&i->window, low) : low;
    return DROP_NONE;
}

static bool
open_aead(struct esp_in *i, const struct parts *p)
{
    uint8_t beside[12];
    size_t n_beside = esp_beside(p->packet, &i->suite, p->seq, beside);
    int n = 0;

    memcpy(i->nonce + ESP_SALT, p->packet + ESP_HEADER, ESP_NONCE - ESP_SALT);
    i->tag[0].data = p->icv;
    return EVP_DecryptInit_ex2(i->cipher, NULL, NULL, i->nonce, i->tag) &&
           EVP_DecryptUpdate(i->cipher, NULL, &n, beside, (int)n_beside) &&
           EVP_DecryptUpdate(i->cipher, p->text, &n, p->text, (int)p->text_len) &&
           EVP_DecryptFinal_ex(i->cipher, p->text + p->text_len, &n) > 0;
}

static bool
is_genuine(struct esp_in *i, const struct parts *p)
{
    uint8_t want[EVP_MAX_MD_SIZE];

    return esp_mac_make(i->mac, p->packet, (size_t)(p->icv - p->packet), &i->suite, p->seq, want) &&
           secret_equal(want, p->icv, p->icv_len);
}

static bool
decipher(struct esp_in *i, const struct parts *p)
{
    int n = 0;

    return EVP_DecryptInit_ex2(i->cipher, NULL, NULL, p->packet + ESP_HEADER, NULL) &&
           EVP_DecryptUpdate(i->cipher, p->text, &n, p->text, (int)p->text_len);
}

/* RFC 4303, 2.4: padding counts from 1. */
static enum drop
strip(const struct parts *p, struct esp_opened *out)
{
    const uint8_t *end = p->text + p->text_len;
    uint8_t next_header = end[-1];
    size_t pad = end[-2];

    if (pad + ESP_TRAILER > p->text_len)
        return DROP_MALFORMED;
    size_t len = p->text_len - ESP_TRAILER - pad;
    for (size_t k = 0; k < pad; k++) {
        if (p->text[len + k] != k + 1)
            return DROP_MALFORMED;
    }
    out->data = p->text;
    out->len = len;
    out->next_header = next_header;
    return DROP_NONE;
}

enum drop
esp_in_open(struct esp_in *i, uint8_t *packet, size_t len, struct esp_opened *out)
{
    struct parts p;
    enum drop why = take_apart(i, packet, len, &p);

    if (why != DROP_NONE)
        return why;
    if (!esp_window_is_new(&i->window, p.seq))
        return DROP_REPLAY;
    if (!(i->shape.digest ? is_genuine(i, &p) : open_aead(i, &p)))
        return DROP_CRYPTO;
    esp_window_take(&i->window, p.seq);
    i->packets++;
    if (i->may_be_short) {
        i->is_short = p.icv_len == ESP_SHORT_ICV;
        i->may_be_short = i->is_short;
    }
    if (i->shape.digest && !decipher(i, &p))
        return DROP_CRYPTO;
    why = strip(&p, out);
    out->newest = p.seq == i->window.top;
    return why;
}
