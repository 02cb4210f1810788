/* SPDX-License-Identifier: Apache-2.0 */
/* sha0.h - SHA-0 (FIPS 180, 1993) and the password hashes of SE-VPN made with it. Broken as a hash;
 * here because existing clients know no other login. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SHA0_SIZE = 20 };

void sha0(const void *bytes, size_t len, uint8_t out[SHA0_SIZE]);
/* SHA0(password || UPPER(user)); upper-cases ASCII only. */
void sevpn_user_hash(const char *user, const char *password, uint8_t out[SHA0_SIZE]);
/* SHA0(user_hash || challenge) */
void sevpn_secure_password(const uint8_t user_hash[SHA0_SIZE], const uint8_t challenge[20],
                           uint8_t out[SHA0_SIZE]);
