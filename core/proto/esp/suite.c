/* SPDX-License-Identifier: Apache-2.0 */
/* suite.c - what the suites of ESP are called and how long their parts are. */

#include "core/proto/esp/esp_priv.h"

static const struct {
    const char *name;
    size_t key_len, icv_len;
} macs[] = {
    [ESP_SHA1_96] = {"SHA1", 20, 12},      /* RFC 2404 */
    [ESP_SHA256_128] = {"SHA256", 32, 16}, /* RFC 4868 */
    [ESP_SHA384_192] = {"SHA384", 48, 24}, /* RFC 4868 */
    [ESP_SHA512_256] = {"SHA512", 64, 32}, /* RFC 4868 */
    [ESP_MD5_96] = {"MD5", 16, 12},        /* RFC 2403 */
};

/* Each cipher, and what it is called alone and with each MAC. */
struct cipher_row {
    enum esp_cipher cipher;
    unsigned key_bits;
    const char *openssl;
    const char *names[ARRAY_LEN(macs)];
};
static const struct cipher_row rows[] = {
    {ESP_AES_GCM_16, 128, "AES-128-GCM", {[ESP_AEAD] = "AES-128-GCM"}},
    {ESP_AES_GCM_16, 192, "AES-192-GCM", {[ESP_AEAD] = "AES-192-GCM"}},
    {ESP_AES_GCM_16, 256, "AES-256-GCM", {[ESP_AEAD] = "AES-256-GCM"}},
    {ESP_AES_CBC,
     128,
     "AES-128-CBC",
     {[ESP_SHA1_96] = "AES-128-CBC-SHA1",
      [ESP_SHA256_128] = "AES-128-CBC-SHA256",
      [ESP_SHA384_192] = "AES-128-CBC-SHA384",
      [ESP_SHA512_256] = "AES-128-CBC-SHA512",
      [ESP_MD5_96] = "AES-128-CBC-MD5"}},
    {ESP_AES_CBC,
     192,
     "AES-192-CBC",
     {[ESP_SHA1_96] = "AES-192-CBC-SHA1",
      [ESP_SHA256_128] = "AES-192-CBC-SHA256",
      [ESP_SHA384_192] = "AES-192-CBC-SHA384",
      [ESP_SHA512_256] = "AES-192-CBC-SHA512",
      [ESP_MD5_96] = "AES-192-CBC-MD5"}},
    {ESP_AES_CBC,
     256,
     "AES-256-CBC",
     {[ESP_SHA1_96] = "AES-256-CBC-SHA1",
      [ESP_SHA256_128] = "AES-256-CBC-SHA256",
      [ESP_SHA384_192] = "AES-256-CBC-SHA384",
      [ESP_SHA512_256] = "AES-256-CBC-SHA512",
      [ESP_MD5_96] = "AES-256-CBC-MD5"}},
    {ESP_3DES_CBC,
     192,
     "DES-EDE3-CBC",
     {[ESP_SHA1_96] = "3DES-CBC-SHA1",
      [ESP_SHA256_128] = "3DES-CBC-SHA256",
      [ESP_SHA384_192] = "3DES-CBC-SHA384",
      [ESP_SHA512_256] = "3DES-CBC-SHA512",
      [ESP_MD5_96] = "3DES-CBC-MD5"}},
};

static const struct cipher_row *
find_row(const struct esp_suite *s)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].cipher == s->cipher && rows[i].key_bits == s->key_bits)
            return &rows[i];
    }
    return NULL;
}

const char *
esp_suite_name(const struct esp_suite *s)
{
    const struct cipher_row *row = find_row(s);

    if (!row || (size_t)s->integrity >= ARRAY_LEN(macs) || !row->names[s->integrity])
        return "unknown";
    return row->names[s->integrity];
}

bool
esp_shape_of(const struct esp_suite *s, struct esp_shape *out)
{
    const struct cipher_row *row = find_row(s);

    if (!row || (size_t)s->integrity >= ARRAY_LEN(macs) || !row->names[s->integrity])
        return false;
    *out = (struct esp_shape){.cipher = row->openssl, .key_len = s->key_bits / 8};
    if (s->integrity == ESP_AEAD) {
        out->salt_len = ESP_SALT;
        out->iv_len = ESP_NONCE - ESP_SALT;
        out->align = 4; /* RFC 4303, 2.4 */
        out->icv_len = ESP_TAG;
        return true;
    }
    out->digest = macs[s->integrity].name;
    out->mac_key_len = macs[s->integrity].key_len;
    out->icv_len = macs[s->integrity].icv_len;
    out->iv_len = s->cipher == ESP_3DES_CBC ? 8 : 16;
    out->align = out->iv_len;
    return true;
}

size_t
esp_keymat_size(const struct esp_suite *s)
{
    struct esp_shape shape;

    if (!esp_shape_of(s, &shape))
        return 0;
    return shape.key_len + shape.salt_len + shape.mac_key_len;
}
