/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-cert.c - what a stranger sends to log in with a certificate: two bytes of length, the
 * certificate, the proof. Laws: a proof is good for one challenge alone and at its full length;
 * what was read is written back the same; nobody is trusted by nobody. */

#include "core/base/reader.h"
#include "core/crypto/cert.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void
check_proof(X509 *cert, const uint8_t *sign, size_t len)
{
    uint8_t challenge[20];
    for (unsigned i = 0; i < sizeof(challenge); i++)
        challenge[i] = (uint8_t)i;
    bool good = cert_sevpn_verify(cert, challenge, sign, len, true);
    if (!good) {
        g_assert_false(cert_sevpn_verify(cert, challenge, sign, len, false));
        return;
    }
    g_assert_false(cert_sevpn_verify(cert, challenge, sign, len - 1, true));
    challenge[0] ^= 1;
    g_assert_false(cert_sevpn_verify(cert, challenge, sign, len, true));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in = reader_of(data, size);
    uint16_t cert_len = reader_u16(&in);
    const uint8_t *der = reader_take(&in, cert_len);
    X509 *cert = der ? cert_from_der(der, cert_len, NULL) : NULL;
    if (!cert)
        return 0;

    check_proof(cert, in.at, in.left);
    g_autofree char *cn = cert_common_name(cert);
    g_assert_true(!cn || g_utf8_validate(cn, -1, NULL));
    g_autoptr(GBytes) serial = cert_serial(cert);
    g_assert_cmpuint(g_bytes_get_size(serial), >, 0);
    (void)cert_is_in_time(cert);
    g_assert_false(cert_is_signed_by(cert, NULL, 0, true));
    (void)cert_is_signed_by(cert, &cert, 1, true);
    X509_free(cert);
    return 0;
}
