/* SPDX-License-Identifier: Apache-2.0 */
/* password.h - how passwords are kept. scrypt verifiers in the form
 * "scrypt$ln=14,r=8,p=1$SALT$HASH" (base64 without padding); the SE-VPN and NT hashes beside it
 * only where a login method needs them. password_verify() is slow on purpose: helpers only. */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

char *password_make_verifier(const char *password); /* g_free; slow likewise */
/* In constant time for one verifier. verifier NULL or not in that form: as slow as with one, and
 * false. An empty password is never right. */
bool password_verify(const char *verifier, const char *password);
/* A random password for people: 20 characters without look-alikes. Free with secret_free_str(). */
char *password_random(void);
