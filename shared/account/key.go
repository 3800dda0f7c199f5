package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"opiq/shared/problem"
	"opiq/shared/typed"
)

// What a key can be refused for. To a stranger the first says what no cookie says: nobody is signed in.
var (
	ErrKey   = problem.New(problem.Unauthenticated, "not_signed_in", "This key is unknown or was revoked.")
	ErrNoKey = problem.New(problem.NotFound, "key_not_found", "There is no such key.")
)

// KeyID names a machine's key: the SHA-256 of its secret, in hex. It is no secret itself.
type KeyID string

// Key lets a machine do one thing until it is revoked. Revision counts its stored changes.
type Key struct {
	ID        KeyID     `json:"id"`
	Name      string    `json:"name"` // whose machine it is
	Right     Right     `json:"right"`
	CreatedAt time.Time `json:"createdAt"`
	RevokedAt time.Time `json:"revokedAt,omitzero"`
	Revision  int       `json:"revision"`
}

// keyPrefix begins every secret, so that people, and programs that look for lost secrets, know one when they see it; keyLength
// is that of the 256 random bits after it, in base64url.
const (
	keyPrefix = "opiq_"
	keyLength = 43
)

// KeyWish is the key that an operator asks for.
type KeyWish struct {
	Name  string `json:"name"`
	Right Right  `json:"right"`
}

// Check names every wrong field.
func (w *KeyWish) Check() (wrong []problem.Field) {
	wrong = checkName("/name", w.Name)
	if !slices.Contains(rights, w.Right) {
		wrong = append(wrong, problem.Field{Pointer: "/right", Code: "unknown_right", Detail: "Known rights: " + list(rights) + "."})
	}
	return wrong
}

// NewKey makes a key, and the secret that only its machine may know: it is kept nowhere.
func NewKey(w KeyWish, now time.Time) (k Key, secret string) {
	bits := make([]byte, 32)
	rand.Read(bits)
	secret = keyPrefix + base64.RawURLEncoding.EncodeToString(bits)
	return Key{ID: keyID(secret), Name: typed.Line(w.Name), Right: w.Right, CreatedAt: now.UTC()}, secret
}

func keyID(secret string) KeyID {
	sum := sha256.Sum256([]byte(secret))
	return KeyID(hex.EncodeToString(sum[:]))
}

// ParseKey reads the header Authorization. What is not a key of ours is ErrKey: it has not to be looked for.
func ParseKey(authorization string) (KeyID, error) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	if bits, ok := strings.CutPrefix(secret, keyPrefix); !ok || len(bits) != keyLength || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrKey
	}
	return keyID(secret), nil
}

// May tells why a machine with this key may not do a thing, or nil.
func (k Key) May(r Right) error {
	switch {
	case k.ID == "" || !k.RevokedAt.IsZero():
		return ErrKey
	case k.Right != r:
		return ErrNotAllowed
	}
	return nil
}

// Made is the line of the audit trail about the key's making.
func (k Key) Made(by Actor) Act {
	return Act{At: k.CreatedAt, Actor: by.String(), What: KeyMade, Object: keyObject(k.ID), Detail: map[string]string{"name": k.Name, "right": string(k.Right)}}
}

// Revoke ends the key for ever; news is false where it had ended before.
func (k Key) Revoke(by Actor, now time.Time) (_ Key, a Act, news bool) {
	if !k.RevokedAt.IsZero() {
		return k, Act{}, false
	}
	k.RevokedAt = now.UTC()
	return k, Act{At: k.RevokedAt, Actor: by.String(), What: KeyRevoked, Object: keyObject(k.ID)}, true
}

// Actor is the machine that holds the key.
func (k Key) Actor() Actor { return Actor{Key: k.ID, Name: k.Name} }
