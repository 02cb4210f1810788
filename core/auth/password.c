/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - see password.h. scrypt: RFC 7914. */

#include "core/auth/password.h"

#include "core/base/random.h"
#include "core/base/secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <string.h>

enum {
    SALT_SIZE = 16,
    HASH_SIZE = 32,
    LOG_N = 14, /* 2^14 blocks of 1 KiB: 16 MiB, some 40 ms */
    BLOCK_R = 8,
    PARALLEL_P = 1,
    LOG_N_MAX = 18, /* of verifiers that others made */
    BLOCK_R_MAX = 16,
    PARALLEL_P_MAX = 4,
    MEMORY_MAX = 600 * 1024 * 1024,
    SALT_MAX = 64,
    RANDOM_LEN = 20,
};

struct scrypt {
    unsigned log_n, r, p;
    uint8_t salt[SALT_MAX];
    size_t salt_len;
    uint8_t hash[HASH_SIZE];
};

static bool
run(const struct scrypt *s, const char *password, uint8_t out[HASH_SIZE])
{
    bool ok = EVP_PBE_scrypt(password, strlen(password), s->salt, s->salt_len, 1ULL << s->log_n,
                             s->r, s->p, MEMORY_MAX, out, HASH_SIZE) == 1;
    ERR_clear_error();
    return ok;
}

static char *
base64(const uint8_t *bytes, size_t len)
{
    char *text = g_base64_encode(bytes, len);
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* How many bytes, 0 when it is not base64 or does not fit. */
static size_t
unbase64(const char *text, uint8_t *out, size_t cap)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789+/";
    size_t len = strlen(text);
    if (len % 4 == 1 || strspn(text, alphabet) != len)
        return 0;
    g_autofree char *padded = g_strconcat(text, &"==="[3 - (4 - len % 4) % 4], NULL);
    size_t n = 0;
    g_autofree uint8_t *bytes = g_base64_decode(padded, &n);
    if (n > cap)
        return 0;
    memcpy(out, bytes, n);
    return n;
}

static bool
parse_number(const char *text, const char *name, unsigned max, unsigned *out)
{
    size_t len = strlen(name);
    guint64 v = 0;
    if (strncmp(text, name, len) != 0 ||
        !g_ascii_string_to_unsigned(text + len, 10, 1, max, &v, NULL))
        return false;
    *out = (unsigned)v;
    return true;
}

static bool
parse(const char *verifier, struct scrypt *out)
{
    struct scrypt s = {0};
    g_auto(GStrv) part = g_strsplit(verifier, "$", 5);
    if (g_strv_length(part) != 4 || strcmp(part[0], "scrypt") != 0)
        return false;
    g_auto(GStrv) number = g_strsplit(part[1], ",", 4);
    if (g_strv_length(number) != 3 || !parse_number(number[0], "ln=", LOG_N_MAX, &s.log_n) ||
        !parse_number(number[1], "r=", BLOCK_R_MAX, &s.r) ||
        !parse_number(number[2], "p=", PARALLEL_P_MAX, &s.p))
        return false;
    s.salt_len = unbase64(part[2], s.salt, sizeof(s.salt));
    if (s.salt_len == 0 || unbase64(part[3], s.hash, sizeof(s.hash)) != HASH_SIZE)
        return false;
    *out = s;
    return true;
}

char *
password_make_verifier(const char *password)
{
    struct scrypt s = {.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P, .salt_len = SALT_SIZE};
    random_bytes(s.salt, s.salt_len);
    bool ok = run(&s, password, s.hash);
    g_assert(ok); /* fails only without memory */
    g_autofree char *salt = base64(s.salt, s.salt_len);
    g_autofree char *hash = base64(s.hash, sizeof(s.hash));
    return g_strdup_printf("scrypt$ln=%u,r=%u,p=%u$%s$%s", s.log_n, s.r, s.p, salt, hash);
}

bool
password_verify(const char *verifier, const char *password)
{
    /* For no verifier, or one that makes no sense: the same work, for nothing. */
    struct scrypt s = {.log_n = LOG_N, .r = BLOCK_R, .p = PARALLEL_P, .salt_len = SALT_SIZE};
    uint8_t got[HASH_SIZE] = {0};
    bool real = verifier && parse(verifier, &s);
    bool ran = run(&s, password, got);
    bool same = secret_equal(got, s.hash, sizeof(got));
    secret_wipe(got, sizeof(got));
    return real && ran && same && password[0] != '\0';
}

char *
password_random(void)
{
    static const char signs[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* no i, l, o, 0, 1 */
    char *text = g_malloc(RANDOM_LEN + 1);
    for (unsigned i = 0; i < RANDOM_LEN; i++)
        text[i] = signs[random_range(0, sizeof(signs) - 2)];
    text[RANDOM_LEN] = '\0';
    return text;
}
