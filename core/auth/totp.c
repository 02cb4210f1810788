/* SPDX-License-Identifier: Apache-2.0 */
/* totp.c - see totp.h. */

#include "core/auth/totp.h"

#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/base/types.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

enum { CODE_TYPED_MAX = 32, HASH_MAX = 64 };

static const struct {
    const char *name, *uri;
    size_t size;
} hashes[] = {
    [TOTP_SHA1] = {"sha1", "SHA1", 20},
    [TOTP_SHA256] = {"sha256", "SHA256", 32},
    [TOTP_SHA512] = {"sha512", "SHA512", 64},
};

/* ---- base32 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void
totp_base32_encode(const uint8_t *bytes, size_t len, char out[TOTP_BASE32_MAX])
{
    uint32_t bits = 0;
    unsigned n = 0;
    size_t at = 0;

    for (size_t i = 0; i < MIN(len, TOTP_SECRET_MAX); i++) {
        bits = bits << 8 | bytes[i];
        for (n += 8; n >= 5; n -= 5)
            out[at++] = alphabet[bits >> (n - 5) & 31];
    }
    if (n > 0)
        out[at++] = alphabet[bits << (5 - n) & 31];
    out[at] = '\0';
}

size_t
totp_base32_decode(const char *text, uint8_t out[TOTP_SECRET_MAX])
{
    uint32_t bits = 0;
    unsigned n = 0;
    size_t len = 0;

    for (const char *p = text; *p && *p != '='; p++) {
        if (*p == ' ' || *p == '-')
            continue;
        const char *sign = strchr(alphabet, g_ascii_toupper(*p));
        if (!sign)
            return 0;
        bits = bits << 5 | (uint32_t)(sign - alphabet);
        n += 5;
        if (n < 8)
            continue;
        if (len == TOTP_SECRET_MAX)
            return 0;
        n -= 8;
        out[len++] = (uint8_t)(bits >> n);
    }
    return len;
}

/* ---- forms ---- */

bool
totp_hash_parse(const char *name, enum totp_hash *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(hashes); i++) {
        if (g_ascii_strcasecmp(name, hashes[i].name) == 0) {
            *out = (enum totp_hash)i;
            return true;
        }
    }
    return false;
}

const char *
totp_hash_name(enum totp_hash hash)
{
    return hashes[hash].name;
}

void
totp_make(enum totp_hash hash, unsigned digits, struct totp *out)
{
    *out = (struct totp){.hash = hash, .digits = digits, .secret_len = hashes[hash].size};
    random_bytes(out->secret, out->secret_len);
}

char *
totp_print(const struct totp *t)
{
    char secret[TOTP_BASE32_MAX];

    totp_base32_encode(t->secret, t->secret_len, secret);
    char *text = g_strdup_printf("%s %u %s", hashes[t->hash].name, t->digits, secret);
    secret_wipe(secret, sizeof(secret));
    return text;
}

bool
totp_parse(const char *text, struct totp *out)
{
    struct totp t = {0};
    char hash[8];
    const char *space = strchr(text, ' ');
    size_t len = space ? (size_t)(space - text) : 0;

    if (len == 0 || len >= sizeof(hash))
        return false;
    memcpy(hash, text, len);
    hash[len] = '\0';
    if (!totp_hash_parse(hash, &t.hash) || (space[1] != '6' && space[1] != '8') || space[2] != ' ')
        return false;
    t.digits = (unsigned)(space[1] - '0');
    t.secret_len = totp_base32_decode(space + 3, t.secret);
    bool ok = t.secret_len >= TOTP_SECRET_MIN;
    if (ok)
        *out = t;
    secret_wipe(&t, sizeof(t));
    return ok;
}

char *
totp_uri(const struct totp *t, const char *issuer, const char *account)
{
    char secret[TOTP_BASE32_MAX];
    g_autofree char *from = g_uri_escape_string(issuer, NULL, FALSE);
    g_autofree char *who = g_uri_escape_string(account, NULL, FALSE);

    totp_base32_encode(t->secret, t->secret_len, secret);
    char *uri =
        g_strdup_printf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%u"
                        "&period=%d",
                        from, who, secret, from, hashes[t->hash].uri, t->digits, TOTP_STEP_S);
    secret_wipe(secret, sizeof(secret));
    return uri;
}

/* ---- codes ---- */

/* RFC 4226, 5.3. */
void
totp_at(const struct totp *t, uint64_t step, char out[TOTP_DIGITS_MAX + 1])
{
    const EVP_MD *const md[] = {EVP_sha1(), EVP_sha256(), EVP_sha512()};
    uint8_t text[8], mac[HASH_MAX] = {0};
    unsigned len = 0;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(step >> (56 - 8 * i));
    (void)HMAC(md[t->hash], t->secret, (int)t->secret_len, text, sizeof(text), mac, &len);
    g_assert(len == hashes[t->hash].size); /* fails only without memory */
    const uint8_t *at = mac + (mac[len - 1] & 15);
    uint32_t number =
        (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    for (unsigned i = t->digits; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    out[t->digits] = '\0';
    secret_wipe(mac, sizeof(mac));
}

bool
totp_check(const struct totp *t, const char *code, int64_t now_s, int64_t used, int64_t *step)
{
    char typed[TOTP_DIGITS_MAX + 1] = {0};
    unsigned n = 0;
    bool found = false;

    if (strnlen(code, CODE_TYPED_MAX) == CODE_TYPED_MAX)
        return false;
    for (const char *p = code; *p; p++) {
        if (*p == ' ')
            continue;
        if (!g_ascii_isdigit(*p) || n == t->digits)
            return false;
        typed[n++] = *p;
    }
    if (n != t->digits || now_s < TOTP_STEP_S * TOTP_WINDOW)
        return false;
    int64_t now = now_s / TOTP_STEP_S;
    for (int64_t at = now - TOTP_WINDOW; at <= now + TOTP_WINDOW; at++) {
        char want[TOTP_DIGITS_MAX + 1];
        totp_at(t, (uint64_t)at, want);
        bool same = secret_equal(want, typed, t->digits);
        secret_wipe(want, sizeof(want));
        if (!same || at <= used || found)
            continue;
        found = true;
        *step = at;
    }
    return found;
}

bool
totp_split(const char *password, size_t len, unsigned digits, size_t *password_len)
{
    if (len <= digits)
        return false;
    for (size_t i = len - digits; i < len; i++)
        if (!g_ascii_isdigit(password[i]))
            return false;
    *password_len = len - digits;
    return true;
}
