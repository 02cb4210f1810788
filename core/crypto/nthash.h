/* SPDX-License-Identifier: Apache-2.0 */
/* nthash.h - MD4 (RFC 1320) and the NT password hash made with it. Broken as a hash; here because
 * MS-CHAPv2 is built upon it, and written out because OpenSSL has it only in its legacy provider,
 * which many systems do not install. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { NT_HASH_SIZE = 16 };

void md4(const void *bytes, size_t len, uint8_t out[NT_HASH_SIZE]);
/* MD4 of the password in UTF-16LE. A password that is not UTF-8 is taken as ISO 8859-1. */
void nt_hash(const char *password, uint8_t out[NT_HASH_SIZE]);
