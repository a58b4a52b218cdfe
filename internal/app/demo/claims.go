package demo

import (
	"fmt"
	"strings"
)

// Claim is a request that waits on the desk when the demonstration is new.
type Claim struct {
	FirstName, Surname, School, Diploma, Email, Phone, Words string
	Class                                                    int
}

// Claims are what a desk holds on a quiet morning. Those without a school are activations of nobody the base knows;
// the others ask to be added.
func Claims() []Claim {
	return []Claim{
		{FirstName: "Nadia", Surname: "Ferrand", School: "ly", Diploma: "engineer", Class: 2003, Email: "nadia.ferrand@exemple.fr", Phone: "01 99 00 00 21",
			Words: "J’ai fait ma dernière année à l’étranger, c’est peut-être pour cela que je ne suis pas dans l’annuaire."},
		{FirstName: "Paul", Surname: "Keller", School: "st", Diploma: "architect", Class: 2016, Email: "paul.keller@exemple.fr", Phone: "03 53 01 00 22",
			Words: "Double cursus ingénieur et architecte."},
		{Surname: "Delmas-Ruiz", Class: 2007, Email: "delmas.ruiz@exemple.fr", Phone: "05 36 49 00 23"},
	}
}

// Scan is a one-page PDF that stands for a diploma.
func Scan() []byte {
	text := "BT /F1 28 Tf 90 640 Td (Specimen) Tj 0 -48 Td /F1 16 Tf (Ce document ne vaut pas un diplome.) Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
	}
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return []byte(b.String())
}
