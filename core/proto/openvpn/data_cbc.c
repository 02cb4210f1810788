/* SPDX-License-Identifier: Apache-2.0 */
/* data_cbc.c - AES-CBC and an HMAC, for peers that know nothing better.
 *
 *   head(1 or 4)  HMAC  IV(16)  ciphertext of: id(4) payload padding(1 to 16)
 *
 * The HMAC is over IV and ciphertext, and is looked at before anything is deciphered: padding tells
 * nothing to who cannot make it. The head is not covered. IVs are drawn many at once.
 */

#include "core/proto/openvpn/data_priv.h"
#include "core/proto/openvpn/siv_priv.h"

#include <glib.h>
#include <openssl/rand.h>

bool
data_cbc_init(struct ovpn_data *d, const char *digest, struct data_half send,
              struct data_half receive)
{
    EVP_MD *md = digest ? EVP_MD_fetch(NULL, digest, NULL) : NULL;

    d->mac_len = md ? (size_t)EVP_MD_get_size(md) : 0;
    EVP_MD_free(md);
    if (d->mac_len == 0 || d->mac_len > EVP_MAX_MD_SIZE)
        return false;
    d->mac_send = ovpn_hmac_new(digest, send.hmac, d->mac_len);
    d->mac_receive = ovpn_hmac_new(digest, receive.hmac, d->mac_len);
    d->random = g_malloc(DATA_RANDOM_AT_ONCE);
    return d->mac_send && d->mac_receive && EVP_CIPHER_CTX_set_padding(d->send, 0) &&
           EVP_CIPHER_CTX_set_padding(d->receive, 0);
}

void
data_cbc_done(struct ovpn_data *d)
{
    EVP_MAC_CTX_free(d->mac_send);
    EVP_MAC_CTX_free(d->mac_receive);
    g_free(d->random);
}

static bool
make_mac(EVP_MAC_CTX *mac, const uint8_t *at, size_t n, uint8_t out[EVP_MAX_MD_SIZE])
{
    size_t len = 0;

    return EVP_MAC_init(mac, NULL, 0, NULL) && EVP_MAC_update(mac, at, n) &&
           EVP_MAC_final(mac, out, &len, EVP_MAX_MD_SIZE);
}

/* ---- sealing ---- */

static bool
draw_iv(struct ovpn_data *d, uint8_t iv[DATA_BLOCK])
{
    if (d->random_left == 0) {
        if (RAND_bytes(d->random, DATA_RANDOM_AT_ONCE) != 1)
            return false;
        d->random_left = DATA_RANDOM_AT_ONCE;
    }
    memcpy(iv, d->random + DATA_RANDOM_AT_ONCE - d->random_left, DATA_BLOCK);
    d->random_left -= DATA_BLOCK;
    return true;
}

/* Ciphers one more piece; EVP keeps what is less than a block until the next one. */
static bool
add_text(EVP_CIPHER_CTX *ctx, uint8_t **at, const void *piece, size_t len)
{
    int n = 0;

    if (len == 0)
        return true;
    if (!EVP_EncryptUpdate(ctx, *at, &n, piece, (int)len))
        return false;
    *at += n;
    return true;
}

bool
data_cbc_seal(struct ovpn_data *d, const struct data_payload *p, uint8_t *out)
{
    uint8_t *iv = out + d->head_len + d->mac_len;
    uint8_t *text = iv + DATA_BLOCK;
    uint8_t *at = text;
    uint8_t id[DATA_ID];
    uint8_t pad[DATA_BLOCK];
    uint8_t mac[EVP_MAX_MD_SIZE];
    size_t pad_len = DATA_BLOCK - (DATA_ID + p->head_len + p->body_len) % DATA_BLOCK;

    data_write_id(id, d->send_id);
    memset(pad, (int)pad_len, pad_len);
    if (!draw_iv(d, iv) || !EVP_EncryptInit_ex2(d->send, NULL, NULL, iv, NULL) ||
        !add_text(d->send, &at, id, DATA_ID) || !add_text(d->send, &at, p->head, p->head_len) ||
        !add_text(d->send, &at, p->body, p->body_len) || !add_text(d->send, &at, pad, pad_len) ||
        !make_mac(d->mac_send, iv, (size_t)(at - iv), mac))
        return false;
    memcpy(out + d->head_len, mac, d->mac_len);
    return true;
}

/* ---- opening ---- */

static bool
decipher(struct ovpn_data *d, uint8_t *out, const uint8_t *text, size_t len)
{
    int n = 0;

    return len == 0 || EVP_DecryptUpdate(d->receive, out, &n, text, (int)len);
}

/* Genuine ciphertext of whole blocks. The first and the last block have bytes that are not the
 * payload's, so they are deciphered aside and out needs no more room than the payload. */
static enum drop
take_text(struct ovpn_data *d, struct reader text, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t first[DATA_BLOCK];
    uint8_t last[DATA_BLOCK];
    const uint8_t *end = text.at + text.left;
    size_t middle = text.left > 2 * DATA_BLOCK ? text.left - 2 * DATA_BLOCK : 0;
    size_t head = DATA_BLOCK - DATA_ID;
    bool one = text.left == DATA_BLOCK;

    if (middle > 0 && head + middle > cap)
        return DROP_TOO_LONG;
    if (!decipher(d, first, text.at, DATA_BLOCK) ||
        !decipher(d, out + head, text.at + DATA_BLOCK, middle) ||
        !decipher(d, last, end - DATA_BLOCK, one ? 0 : DATA_BLOCK))
        return DROP_MALFORMED;
    const uint8_t *tail = one ? first : last;
    size_t pad = tail[DATA_BLOCK - 1];
    if (pad == 0 || pad > DATA_BLOCK || pad + DATA_ID > text.left)
        return DROP_MALFORMED;
    size_t payload = text.left - DATA_ID - pad;
    if (payload > cap)
        return DROP_TOO_LONG;
    uint32_t id = data_read_id(first);
    if (!replay_is_new(&d->replay, id))
        return DROP_POLICY;
    replay_take(&d->replay, id);
    memcpy(out, first + DATA_ID, MIN(head, payload));
    if (payload > head + middle)
        memcpy(out + head + middle, last, payload - head - middle);
    *len = payload;
    return DROP_NONE;
}

enum drop
data_cbc_open(struct ovpn_data *d, struct reader in, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t want[EVP_MAX_MD_SIZE];
    const uint8_t *mac = reader_take(&in, d->mac_len);
    struct reader covered = in;
    const uint8_t *iv = reader_take(&in, DATA_BLOCK);

    if (!iv || in.left < DATA_BLOCK)
        return DROP_SHORT;
    if (in.left % DATA_BLOCK != 0)
        return DROP_MALFORMED;
    if (!make_mac(d->mac_receive, covered.at, covered.left, want) ||
        !secret_equal(want, mac, d->mac_len) ||
        !EVP_DecryptInit_ex2(d->receive, NULL, NULL, iv, NULL))
        return DROP_MALFORMED;
    return take_text(d, in, out, cap, len);
}
