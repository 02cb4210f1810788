/* SPDX-License-Identifier: Apache-2.0 */
/* totp.h - one-time codes from a secret and the time: RFC 6238 over RFC 4226, and the forms in
 * which people and apps have the secret. Pure: time is a parameter.
 */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOTP_STEP_S = 30,
    TOTP_WINDOW = 1, /* steps that a clock may be wrong, either way */
    TOTP_SECRET_MAX = 64,
    TOTP_SECRET_MIN = 10, /* of those that others made */
    TOTP_DIGITS_MAX = 8,
    TOTP_BASE32_MAX = (TOTP_SECRET_MAX * 8 + 4) / 5 + 1,
};

enum totp_hash { TOTP_SHA1, TOTP_SHA256, TOTP_SHA512 };

struct totp {
    enum totp_hash hash;
    unsigned digits; /* 6 or 8 */
    uint8_t secret[TOTP_SECRET_MAX];
    size_t secret_len;
};

/* "sha1", "sha256", "sha512"; without case. */
bool totp_hash_parse(const char *name, enum totp_hash *out);
const char *totp_hash_name(enum totp_hash hash);
/* A new secret, as long as the hash. digits: 6 or 8. */
void totp_make(enum totp_hash hash, unsigned digits, struct totp *out);

/* As it is kept: "sha1 6 BASE32". Wipe and free what is printed: secret_free_str(). */
char *totp_print(const struct totp *t);
bool totp_parse(const char *text, struct totp *out);
/* As apps take it: "otpauth://totp/ISSUER:ACCOUNT?secret=...". Likewise. */
char *totp_uri(const struct totp *t, const char *issuer, const char *account);

/* Of counter value step, with its NUL. */
void totp_at(const struct totp *t, uint64_t step, char out[TOTP_DIGITS_MAX + 1]);
/* Whether code is that of now, or of a step beside it; *step tells which. Steps up to used are
 * over. The time does not tell how much of it was right. Blanks in the code are passed over. */
bool totp_check(const struct totp *t, const char *code, int64_t now_s, int64_t used, int64_t *step);

/* How many characters of a password with a code behind it are the password itself. False: it does
 * not end with so many digits, or nothing is before them. */
bool totp_split(const char *password, size_t len, unsigned digits, size_t *password_len);

/* RFC 4648 without padding; small letters, blanks and '-' are let through. 0: none, or too long. */
size_t totp_base32_decode(const char *text, uint8_t out[TOTP_SECRET_MAX]);
void totp_base32_encode(const uint8_t *bytes, size_t len, char out[TOTP_BASE32_MAX]);
