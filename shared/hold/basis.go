package hold

import "slices"

// Basis is why a hold was placed. The list is closed: the terms give no other reason.
type Basis string

// The bases, with where they stand among the requirements.
const (
	Harmful            Basis = "harmful"             // harmful activity
	OffPurpose         Basis = "off_purpose"         // material used against its purpose
	Indecent           Basis = "indecent_content"    // text or material against generally accepted morals
	InfringesIP        Basis = "infringes_ip"        // broke the rules of intellectual property
	Unacceptable       Basis = "unacceptable"        // insults, rudeness
	RefusesObligations Basis = "refuses_obligations" // refuses to perform duties under the terms or the law
	Unpaid             Basis = "unpaid"
	PaymentReversed    Basis = "payment_reversed"    // the money went back to the payer; a new payment lifts it
	CredentialLeak     Basis = "credential_leak"     // a password became known to others; a reset by its owner lifts it
	FalseData          Basis = "false_data"          // false data at registration, until corrected
	SuspectedIP        Basis = "suspected_ip"        // a work, on suspicion of infringement
)

// basis is what a reason may do.
type basis struct {
	scopes  []Scope
	breach  bool   // of the terms by a person: proved twice, it may end the service
	section string // of the terms of use, which gives the reason
}

var people = []Scope{OnAccount, OnLicense, OnGroup}

// The sections of the terms of use.
const (
	use      = "rules for using the service"
	stopping = "changing, suspending and ending the service"
	property = "content and intellectual property"
)

var bases = map[Basis]basis{
	Harmful:            {people, true, use},
	OffPurpose:         {people, true, use},
	Indecent:           {people, true, use},
	InfringesIP:        {people, true, stopping},
	Unacceptable:       {people, true, stopping},
	RefusesObligations: {people, true, stopping},
	Unpaid:             {people, false, use},
	PaymentReversed:    {[]Scope{OnLicense}, false, use},
	CredentialLeak:     {[]Scope{OnAccount}, false, use},
	FalseData:          {[]Scope{OnAccount}, true, use},
	SuspectedIP:        {[]Scope{OnWork}, false, property},
}

// Closes tells whether a basis can close things of a scope.
func (b Basis) Closes(s Scope) bool { return slices.Contains(bases[b].scopes, s) }

// Breach tells whether a basis is a breach of the terms by a person.
func (b Basis) Breach() bool { return bases[b].breach }

// Section is the section of the terms of use that gives the reason.
func (b Basis) Section() string { return bases[b].section }
