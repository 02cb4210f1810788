/* SPDX-License-Identifier: Apache-2.0 */
/* crl.h - which certificates a hub takes no more, by what is known of them: parts of the subject,
 * serial number, digests. An entry means each certificate that all of its parts fit; one without
 * parts means none. Pure.
 */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#include <stdbool.h>

enum crl_part { CRL_CN, CRL_O, CRL_OU, CRL_C, CRL_ST, CRL_L, CRL_TEXTS };
enum crl_bytes { CRL_SERIAL, CRL_MD5, CRL_SHA1, CRL_BYTES };
enum { CRL_SERIAL_MAX = 64, CRL_TEXT_MAX = 255 };

struct crl_entry {
    char *text[CRL_TEXTS];    /* NULL or "": of any value */
    GBytes *bytes[CRL_BYTES]; /* NULL likewise */
};

struct crl_entry *crl_entry_new(void);
void crl_entry_free(struct crl_entry *e);
/* Why it cannot be: a constant string; NULL when it is fine. */
const char *crl_entry_fault(const struct crl_entry *e);

/* As it is kept: lines of a name and a value. NULL: it is no such text. */
char *crl_entry_print(const struct crl_entry *e); /* g_free */
struct crl_entry *crl_entry_parse(const char *text);

bool crl_entry_fits(const struct crl_entry *e, X509 *cert);
/* entries: of struct crl_entry, NULL for none. */
bool crl_is_revoked(const GPtrArray *entries, X509 *cert);
