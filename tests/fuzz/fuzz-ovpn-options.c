/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ovpn-options.c - options string and peer info, split at the first zero byte: what comes out
 * is bounded, and the mirror of the mirror is the string again as far as it is known. */

#include "core/proto/openvpn/options.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_malloc0(size + 2);
    struct ovpn_client_says says;
    char once[OVPN_OPTIONS_MAX];
    char twice[OVPN_OPTIONS_MAX];
    bool tell = false;

    if (size > 0)
        memcpy(text, data, size);
    const char *info = text + strlen(text) + (strlen(text) < size ? 1 : 0);
    ovpn_client_says_parse(text, info, &says);
    g_assert_cmpuint(says.tun_mtu, <=, 65535);
    g_assert_cmpuint(says.mtu, <=, 65535);
    g_assert_cmpuint(strlen(says.ciphers), <, sizeof(says.ciphers));
    g_assert_cmpuint(strlen(says.digest), <, sizeof(says.digest));

    struct openvpn_settings *settings = openvpn_settings_new();
    enum ovpn_cipher c = ovpn_choose_cipher(&says, settings, &tell);
    g_assert_true(c == OVPN_CIPHER_NONE_AGREED || ovpn_cipher_is_aead(c)); /* nothing older */
    openvpn_settings_free(settings);

    ovpn_options_mirror(text, once, sizeof(once));
    ovpn_options_mirror(once, twice, sizeof(twice));
    g_assert_cmpuint(strlen(once), <, sizeof(once));
    if (!strstr(text, "tls-server") && !strstr(text, "SERVER") && !strstr(text, ",,") &&
        strlen(text) < OVPN_OPTIONS_MAX / 2 && !strstr(text, "tls-client") &&
        !strstr(text, "_CLIENT") && text[0] != ',' && !g_str_has_suffix(text, ","))
        g_assert_cmpstr(twice, ==, text);
    return 0;
}
