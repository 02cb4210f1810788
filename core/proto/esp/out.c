/* SPDX-License-Identifier: Apache-2.0 */
/* out.c - ESP sealed. The payload is gathered into the packet and ciphered there: one call for the
 * text whatever it came in, which is cheaper than the cipher's own joining of pieces. */

#include "core/base/secret.h"
#include "core/net/wire.h"
#include "core/proto/esp/esp_priv.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

struct esp_out *
esp_out_new(const struct esp_suite *s, uint32_t spi, const uint8_t *keymat)
{
    struct esp_shape shape;

    if (!esp_shape_of(s, &shape))
        return NULL;
    struct esp_out *o = g_new0(struct esp_out, 1);
    o->suite = *s;
    o->shape = shape;
    o->spi = spi;
    o->cipher = esp_cipher_new(&shape, keymat, true);
    o->mac = shape.digest ? esp_mac_new(&shape, keymat) : NULL;
    memcpy(o->nonce, keymat + shape.key_len, shape.salt_len);
    o->tag[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, ESP_TAG);
    o->tag[1] = OSSL_PARAM_construct_end();
    if (!o->cipher || (shape.digest && !o->mac)) {
        esp_out_free(o);
        return NULL;
    }
    return o;
}

void
esp_out_free(struct esp_out *o)
{
    if (!o)
        return;
    EVP_CIPHER_CTX_free(o->cipher);
    EVP_MAC_CTX_free(o->mac);
    secret_wipe(o, sizeof(*o));
    g_free(o);
}

/* Payload, padding and trailer. */
static size_t
text_len(const struct esp_out *o, size_t len)
{
    return (len + ESP_TRAILER + o->shape.align - 1) / o->shape.align * o->shape.align;
}

size_t
esp_out_size(const struct esp_out *o, size_t len)
{
    return ESP_HEADER + o->shape.iv_len + text_len(o, len) + o->shape.icv_len;
}

size_t
esp_out_fits(const struct esp_out *o, size_t len)
{
    size_t around = ESP_HEADER + o->shape.iv_len + o->shape.icv_len;

    if (len < around + o->shape.align)
        return 0;
    return (len - around) / o->shape.align * o->shape.align - ESP_TRAILER;
}

uint64_t
esp_out_packets(const struct esp_out *o)
{
    return o->seq;
}

void
esp_out_set_short(struct esp_out *o)
{
    if (o->suite.integrity == ESP_SHA256_128)
        o->shape.icv_len = ESP_SHORT_ICV;
}

void
esp_out_set_full(struct esp_out *o)
{
    if (o->suite.integrity == ESP_SHA256_128)
        o->shape.icv_len = ESP_FULL_ICV;
}

void
esp_out_follow(struct esp_out *o, const struct esp_in *i)
{
    if (i->is_short)
        esp_out_set_short(o);
    else
        esp_out_set_full(o);
}

/* ---- one packet ---- */

/* Writes the text in clear; returns its length. */
static size_t
gather(const struct esp_out *o, const struct pf_slice *in, unsigned n_in, uint8_t next_header,
       uint8_t *text)
{
    size_t len = 0;

    for (unsigned i = 0; i < n_in; i++) {
        if (in[i].len > 0)
            memcpy(text + len, in[i].at, in[i].len);
        len += in[i].len;
    }
    size_t all = text_len(o, len);
    uint8_t pad = (uint8_t)(all - ESP_TRAILER - len);
    for (uint8_t i = 1; i <= pad; i++)
        text[len++] = i;
    text[len++] = pad;
    text[len++] = next_header;
    return len;
}

/* The IV is the sequence number, which never comes again with this key (RFC 4106, 3.1). */
static bool
seal_aead(struct esp_out *o, uint8_t *packet, uint8_t *text, size_t len)
{
    uint8_t beside[12];
    size_t n_beside = esp_beside(packet, &o->suite, o->seq, beside);
    uint8_t *iv = packet + ESP_HEADER;
    int n = 0;

    wire_put32(iv, (uint32_t)(o->seq >> 32));
    wire_put32(iv + 4, (uint32_t)o->seq);
    memcpy(o->nonce + ESP_SALT, iv, ESP_NONCE - ESP_SALT);
    o->tag[0].data = text + len;
    return EVP_EncryptInit_ex2(o->cipher, NULL, NULL, o->nonce, NULL) &&
           EVP_EncryptUpdate(o->cipher, NULL, &n, beside, (int)n_beside) &&
           EVP_EncryptUpdate(o->cipher, text, &n, text, (int)len) &&
           EVP_EncryptFinal_ex(o->cipher, text + len, &n) &&
           EVP_CIPHER_CTX_get_params(o->cipher, o->tag);
}

/* No IV may be known before its text is (RFC 3602, 3). */
static bool
draw_iv(struct esp_out *o, uint8_t *iv)
{
    size_t n = o->shape.iv_len;

    if (o->random_left < n) {
        if (RAND_bytes(o->random, sizeof(o->random)) != 1)
            return false;
        o->random_left = sizeof(o->random);
    }
    memcpy(iv, o->random + sizeof(o->random) - o->random_left, n);
    o->random_left -= n;
    return true;
}

static bool
seal_cbc(struct esp_out *o, uint8_t *packet, uint8_t *text, size_t len)
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    uint8_t *iv = packet + ESP_HEADER;
    int n = 0;

    if (!draw_iv(o, iv) || !EVP_EncryptInit_ex2(o->cipher, NULL, NULL, iv, NULL) ||
        !EVP_EncryptUpdate(o->cipher, text, &n, text, (int)len) ||
        !esp_mac_make(o->mac, packet, (size_t)(text + len - packet), &o->suite, o->seq, mac))
        return false;
    memcpy(text + len, mac, o->shape.icv_len);
    return true;
}

/* The packet around a text that lies at its place in out, in clear. */
static size_t
finish(struct esp_out *o, uint8_t *out, size_t len)
{
    uint8_t *text = out + ESP_HEADER + o->shape.iv_len;

    o->seq++;
    wire_put32(out, o->spi);
    wire_put32(out + ESP_AT_SEQUENCE, (uint32_t)o->seq);
    bool ok = o->shape.digest ? seal_cbc(o, out, text, len) : seal_aead(o, out, text, len);
    return ok ? (size_t)(text + len - out) + o->shape.icv_len : 0;
}

static bool
is_used_up(const struct esp_out *o)
{
    return o->seq >= (o->suite.esn ? UINT64_MAX : UINT32_MAX);
}

size_t
esp_out_seal(struct esp_out *o, const struct pf_slice *in, unsigned n_in, uint8_t next_header,
             uint8_t *out)
{
    if (is_used_up(o))
        return 0;
    return finish(o, out, gather(o, in, n_in, next_header, out + ESP_HEADER + o->shape.iv_len));
}

size_t
esp_seal_text(struct esp_out *o, const uint8_t *text, size_t len, uint8_t *out)
{
    if (is_used_up(o))
        return 0;
    memcpy(out + ESP_HEADER + o->shape.iv_len, text, len);
    return finish(o, out, len);
}
