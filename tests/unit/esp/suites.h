/* SPDX-License-Identifier: Apache-2.0 */
/* suites.h - every suite of ESP that there is, some of them with 64-bit sequence numbers. */
#pragma once

#include "core/proto/esp/esp.h"

static const struct esp_suite all_suites[] = {
    {ESP_AES_GCM_16, ESP_AEAD, 128, false},     {ESP_AES_GCM_16, ESP_AEAD, 192, false},
    {ESP_AES_GCM_16, ESP_AEAD, 256, false},     {ESP_AES_GCM_16, ESP_AEAD, 256, true},
    {ESP_AES_CBC, ESP_SHA1_96, 128, false},     {ESP_AES_CBC, ESP_SHA1_96, 192, false},
    {ESP_AES_CBC, ESP_SHA1_96, 256, false},     {ESP_AES_CBC, ESP_SHA1_96, 256, true},
    {ESP_AES_CBC, ESP_SHA256_128, 128, false},  {ESP_AES_CBC, ESP_SHA256_128, 256, false},
    {ESP_AES_CBC, ESP_SHA256_128, 256, true},   {ESP_AES_CBC, ESP_SHA384_192, 256, false},
    {ESP_AES_CBC, ESP_SHA512_256, 256, false},  {ESP_AES_CBC, ESP_SHA512_256, 128, true},
    {ESP_AES_CBC, ESP_MD5_96, 128, false},      {ESP_3DES_CBC, ESP_SHA1_96, 192, false},
    {ESP_3DES_CBC, ESP_SHA256_128, 192, true},  {ESP_3DES_CBC, ESP_MD5_96, 192, false},
    {ESP_3DES_CBC, ESP_SHA384_192, 192, false}, {ESP_3DES_CBC, ESP_SHA512_256, 192, false},
};
