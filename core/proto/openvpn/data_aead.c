/* SPDX-License-Identifier: Apache-2.0 */
/* data_aead.c - AES-GCM and ChaCha20-Poly1305.
 *
 *   head(1 or 4)  id(4)  tag(16)  ciphertext
 *
 * The IV is the id and 8 bytes from the key block. Beside the text is authenticated: with DATA_V2
 * head and id, with DATA_V1 the id alone. The context keeps its key, so that a packet costs one new
 * IV; where the tag lies is told in parameters that were built once.
 */

#include "core/proto/openvpn/data_priv.h"

#include <openssl/core_names.h>

enum { HEAD_V1 = 1 };

static void
init_tag(OSSL_PARAM param[2], uint8_t *tag)
{
    param[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, DATA_TAG);
    param[1] = OSSL_PARAM_construct_end();
}

bool
data_aead_init(struct ovpn_data *d, struct data_half send, struct data_half receive)
{
    if (EVP_CIPHER_CTX_get_iv_length(d->send) != sizeof(d->send_iv))
        return false;
    memcpy(d->send_iv + DATA_ID, send.hmac, DATA_IV_FIXED);
    memcpy(d->receive_iv + DATA_ID, receive.hmac, DATA_IV_FIXED);
    init_tag(d->send_tag, d->tag);
    init_tag(d->receive_tag, d->tag);
    return true;
}

/* What is authenticated beside the text: it ends where the id ends. */
static bool
add_beside(EVP_CIPHER_CTX *ctx, const uint8_t *packet, size_t head_len)
{
    size_t from = head_len == HEAD_V1 ? HEAD_V1 : 0;
    int n = 0;

    return EVP_CipherUpdate(ctx, NULL, &n, packet + from, (int)(head_len + DATA_ID - from));
}

bool
data_aead_seal(struct ovpn_data *d, const struct data_payload *p, uint8_t *out)
{
    uint8_t *id = out + d->head_len;
    uint8_t *tag = id + DATA_ID;
    uint8_t *text = tag + DATA_TAG;
    int n = 0;

    data_write_id(id, d->send_id);
    memcpy(d->send_iv, id, DATA_ID);
    d->send_tag[0].data = tag;
    if (!EVP_EncryptInit_ex2(d->send, NULL, NULL, d->send_iv, NULL) ||
        !add_beside(d->send, out, d->head_len))
        return false;
    if (p->head_len > 0 && !EVP_EncryptUpdate(d->send, text, &n, p->head, (int)p->head_len))
        return false;
    if (p->body_len > 0 &&
        !EVP_EncryptUpdate(d->send, text + p->head_len, &n, p->body, (int)p->body_len))
        return false;
    return EVP_EncryptFinal_ex(d->send, text + p->head_len + p->body_len, &n) &&
           EVP_CIPHER_CTX_get_params(d->send, d->send_tag);
}

enum drop
data_aead_open(struct ovpn_data *d, const uint8_t *packet, struct reader in, uint8_t *out,
               size_t cap, size_t *len)
{
    size_t head_len = (size_t)(in.at - packet);
    const uint8_t *id_at = reader_take(&in, DATA_ID);
    const uint8_t *tag = reader_take(&in, DATA_TAG);
    int n = 0;

    if (!tag)
        return DROP_SHORT;
    if (in.left > cap)
        return DROP_TOO_LONG;
    uint32_t id = data_read_id(id_at);
    if (!replay_is_new(&d->replay, id))
        return DROP_POLICY;
    memcpy(d->receive_iv, id_at, DATA_ID);
    memcpy(d->tag, tag, DATA_TAG);
    if (!EVP_DecryptInit_ex2(d->receive, NULL, NULL, d->receive_iv, d->receive_tag) ||
        !add_beside(d->receive, packet, head_len))
        return DROP_MALFORMED;
    if (in.left > 0 && !EVP_DecryptUpdate(d->receive, out, &n, in.at, (int)in.left))
        return DROP_MALFORMED;
    if (EVP_DecryptFinal_ex(d->receive, out + in.left, &n) <= 0)
        return DROP_MALFORMED;
    replay_take(&d->replay, id);
    *len = in.left;
    return DROP_NONE;
}
