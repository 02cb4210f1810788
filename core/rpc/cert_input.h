/* SPDX-License-Identifier: Apache-2.0 */
/* cert_input.h - certificates in calls (PEM or DER), and what lists show of them. Any thread. */
#pragma once

#include "core/rpc/wire/fields.h"

#include <glib.h>
#include <openssl/x509.h>

#include <stdint.h>

enum { CERT_INPUT_MAX = 65536 };

/* PEM or DER. PE_INVALID_PARAMETER. */
X509 *cert_input_parse(GBytes *bytes, GError **error);
/* The certificate in that field, as DER. */
GBytes *cert_input_der(const struct record *in, const char *field, GError **error);
/* "CN=Example, O=..." as RFC 2253 writes it, in UTF-8; g_free. */
char *cert_name_text(const X509_NAME *name);
int64_t cert_expires_ms(const X509 *cert);
