/* SPDX-License-Identifier: Apache-2.0 */
/* sealed.c - see sealed.h. */

#include "core/crypto/sealed.h"

#include "core/base/error.h"
#include "core/base/random.h"
#include "platform/platform.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>

#include <limits.h>
#include <string.h>

enum { KEY_FILE_MODE = 0600 };

struct sealed_key {
    uint8_t bytes[SEALED_KEY];
};

struct sealed_key *
sealed_key_new(const uint8_t bytes[SEALED_KEY])
{
    struct sealed_key *k = g_new0(struct sealed_key, 1);
    memcpy(k->bytes, bytes, SEALED_KEY);
    return k;
}

void
sealed_key_free(struct sealed_key *k)
{
    if (!k)
        return;
    secret_wipe(k, sizeof(*k));
    g_free(k);
}

static struct sealed_key *
make(const char *path, GError **error)
{
    uint8_t bytes[SEALED_KEY];
    random_bytes(bytes, sizeof(bytes));
    struct sealed_key *k = NULL;
    if (pf_file_replace(path, bytes, sizeof(bytes), KEY_FILE_MODE, error))
        k = sealed_key_new(bytes);
    secret_wipe(bytes, sizeof(bytes));
    return k;
}

struct sealed_key *
sealed_key_load(const char *path, bool may_make, GError **error)
{
    if (may_make && !g_file_test(path, G_FILE_TEST_EXISTS))
        return make(path, error);

    char *bytes = NULL;
    size_t len = 0;
    if (!g_file_get_contents(path, &bytes, &len, error))
        return NULL;
    struct sealed_key *k = NULL;
    if (len == SEALED_KEY)
        k = sealed_key_new((const uint8_t *)bytes);
    else
        g_set_error(error, PE_ERROR, PE_INTERNAL,
                    "the key file '%s' is damaged: it has %zu bytes instead of %d", path, len,
                    SEALED_KEY);
    secret_wipe(bytes, len);
    g_free(bytes);
    if (k)
        (void)g_chmod(path, KEY_FILE_MODE); /* best effort: it may have come out of a backup */
    return k;
}

GBytes *
sealed_seal(const struct sealed_key *k, const char *context, const void *bytes, size_t len)
{
    size_t context_len = strlen(context);
    g_assert(len <= INT_MAX && context_len <= INT_MAX);
    uint8_t *out = g_malloc(SEALED_NONCE + len + SEALED_TAG);
    uint8_t *at = out + SEALED_NONCE;
    int n = 0, tail = 0;

    random_bytes(out, SEALED_NONCE);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, k->bytes, out) == 1 &&
              EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)context, (int)context_len) == 1 &&
              (len == 0 || EVP_EncryptUpdate(ctx, at, &n, bytes, (int)len) == 1) &&
              EVP_EncryptFinal_ex(ctx, at + len, &tail) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEALED_TAG, at + len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    g_assert(ok); /* fails only without memory, or with a broken OpenSSL */
    return g_bytes_new_take(out, SEALED_NONCE + len + SEALED_TAG);
}

struct secret *
sealed_open(const struct sealed_key *k, const char *context, const void *sealed, size_t len)
{
    size_t context_len = strlen(context);
    if (len < SEALED_NONCE + SEALED_TAG || len > INT_MAX || context_len > INT_MAX)
        return NULL;
    const uint8_t *in = sealed;
    size_t plain_len = len - SEALED_NONCE - SEALED_TAG;
    uint8_t tag[SEALED_TAG];
    memcpy(tag, in + len - SEALED_TAG, SEALED_TAG);
    struct secret *plain = secret_new(NULL, plain_len);
    int n = 0;

    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, k->bytes, in) == 1 &&
              EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)context, (int)context_len) == 1 &&
              (plain_len == 0 ||
               EVP_DecryptUpdate(ctx, plain->bytes, &n, in + SEALED_NONCE, (int)plain_len) == 1) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, SEALED_TAG, tag) == 1 &&
              EVP_DecryptFinal_ex(ctx, plain->bytes + plain_len, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok) {
        secret_free(plain);
        return NULL;
    }
    return plain;
}
